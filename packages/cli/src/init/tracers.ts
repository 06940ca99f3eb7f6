import { statSync } from 'node:fs'
import { join } from 'node:path'
import { simpleCommands } from './command-line.js'
import { nodeArguments, type Preload } from './node-arguments.js'
import { type Project, sourceFiles } from './project.js'
import { readText } from './read.js'
import { programOf } from './start-line.js'

/** Who else makes spans in the service. */
export type TracerKind = 'opentelemetry' | 'sentry' | 'datadog' | 'throughline'

export interface Tracer {
  readonly kind: TracerKind
  /** Where it is started: a file with its line, or the module that a script preloads. */
  readonly file: string
  readonly line: number | undefined
}

const SIGNS: readonly (readonly [TracerKind, RegExp])[] = [
  ['throughline', /(?:from|import|require)\s*\(?\s*['"]@throughline\/sdk(?:\/register)?['"]/],
  ['opentelemetry', /new\s+(?:\w+\.)*(?:NodeSDK|NodeTracerProvider|BasicTracerProvider)\s*\(/],
  [
    'opentelemetry',
    /(?:import|require)\s*\(?\s*['"]@opentelemetry\/auto-instrumentations-node\/register['"]/,
  ],
  ['sentry', /\bSentry\.init\s*\(/],
  ['datadog', /(?:from|import|require)\s*\(?\s*['"]dd-trace(?:\/init(?:ialize\.mjs)?)?['"]/],
]

/** Larger files are built ones. */
const LARGEST = 1_048_576

/** What the sources of the service start; one finding a kind and file. */
export function tracersIn(project: Project): Tracer[] {
  return sourceFiles(project.folder).flatMap((file) => {
    const path = join(project.folder, file)
    if (statSync(path).size > LARGEST) return []
    const text = readText(path) ?? ''
    const kinds = new Map<TracerKind, Tracer>()
    for (const [kind, sign] of SIGNS) {
      const at = sign.exec(text)?.index
      if (at !== undefined && !kinds.has(kind))
        kinds.set(kind, { kind, file, line: text.slice(0, at).split('\n').length })
    }
    return [...kinds.values()]
  })
}

const PACKAGES: readonly (readonly [TracerKind, RegExp])[] = [
  ['opentelemetry', /^@opentelemetry\/auto-instrumentations-node\/register$/],
  ['sentry', /^@sentry\/[\w-]+\/(?:init|import|preload)$/],
  ['datadog', /^dd-trace\/(?:init|initialize\.mjs|loader-hook\.mjs|register\.js)$/],
]

/** What a script preloads: by its own flags and by the `NODE_OPTIONS` that it sets. */
export function preloadsOf(script: string): Preload[] {
  return (simpleCommands(script) ?? []).flatMap((words) => {
    const options = words
      .map(({ text }) => /^NODE_OPTIONS=(.*)$/s.exec(text)?.[1])
      .find((text) => text !== undefined)
    const program = programOf(words)
    const args = program?.args.filter(({ text }) => text !== 'watch' && text !== 'start') ?? []
    const quoted = args.filter(({ text }) => text.includes(' ')).flatMap(({ text }) => preloadsOf(text))
    return [
      ...nodeArguments(simpleCommands(options ?? '')?.[0] ?? []).preloads,
      ...nodeArguments(args).preloads,
      ...quoted,
    ]
  })
}

/** A tracer that is a package of its own and only preloaded, with no line in the sources. */
export function preloadedPackage({ module }: Preload): Tracer | undefined {
  const kind = PACKAGES.find(([, name]) => name.test(module))?.[0]
  return kind && { kind, file: module, line: undefined }
}

/** Whether one of these preloads is the file: `./dist/tracing.js` is what `src/tracing.ts` became. */
export function isPreloaded(file: string, preloads: readonly Preload[]): boolean {
  const stem = (path: string) =>
    path
      .replace(/^\.?\//, '')
      .replace(/^(?:src|lib|dist|build|out)\//, '')
      .replace(/\.[cm]?[jt]sx?$/, '')
  return preloads.some(({ module }) => module === file || stem(module) === stem(file))
}
