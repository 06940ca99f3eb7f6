import { isStartName, type Project, refuse } from './project.js'
import { type StartLine, withStartLine } from './start-line.js'
import { isPreloaded, preloadedPackage, preloadsOf, type Tracer, tracersIn } from './tracers.js'

/** Something that only a person can do here. */
export interface ByHand {
  readonly where: string
  readonly why: string
  readonly mend: string
}

export interface StartPlan {
  /** Scripts of package.json that change, by name. */
  readonly scripts: Readonly<Record<string, string>>
  /** Those that start with our SDK already. */
  readonly already: readonly string[]
  readonly byHand: readonly ByHand[]
  /** Who else makes spans, and how they stand beside us. */
  readonly notes: readonly string[]
  readonly datadog: boolean
}

/**
 * The start line of each script that starts the service, or what keeps us from setting it.
 * @throws CliError `TL_INIT_REFUSED` if no script starts Node in a way that we know.
 */
export function planStart(project: Project, only: readonly string[]): StartPlan {
  const inCode = tracersIn(project)
  const scripts: Record<string, string> = {}
  const already: string[] = []
  const byHand: ByHand[] = []
  const besides = new Map(inCode.map((one) => [`${one.kind} ${one.file}`, one]))
  for (const name of chosen(project, only)) {
    const script = project.scripts[name] as string
    const line = withStartLine(script, project)
    if (line.kind === 'already') already.push(name)
    if (line.kind === 'by hand')
      byHand.push({ where: `script ${name}: ${script}`, why: line.why, mend: line.mend })
    if (line.kind !== 'changed') continue
    const preloads = preloadsOf(script)
    const others = [...inCode, ...preloads.flatMap((preload) => preloadedPackage(preload) ?? [])]
    for (const one of others) besides.set(`${one.kind} ${one.file}`, one)
    const late = others.find((one) => comesAfterUs(one, project) && !isPreloaded(one.file, preloads))
    if (late === undefined) scripts[name] = line.text
    else if (late.kind === 'throughline') already.push(name)
    else byHand.push(afterUs(name, late, line))
  }
  if (Object.keys(scripts).length + already.length + byHand.length === 0) noStart(project, only)
  return {
    scripts,
    already,
    byHand,
    notes: [...besides.values()].map((one) => sideBySide(one, project)),
    datadog: [...besides.values()].some(({ kind }) => kind === 'datadog'),
  }
}

function chosen(project: Project, only: readonly string[]): string[] {
  const missing = only.find((name) => !Object.hasOwn(project.scripts, name))
  if (missing !== undefined)
    refuse(
      `--script ${missing}: package.json has no such script.`,
      `It has: ${Object.keys(project.scripts).join(', ') || 'none'}.`,
    )
  return only.length > 0 ? [...new Set(only)] : Object.keys(project.scripts).filter(isStartName)
}

/** Started from the code these come after any `--import`, and OpenTelemetry takes the first SDK of a process. */
function comesAfterUs({ kind }: Tracer, project: Project): boolean {
  return (
    kind === 'throughline' || kind === 'opentelemetry' || (kind === 'sentry' && sentryTakesGlobals(project))
  )
}

/** From version 8 on Sentry registered an OpenTelemetry SDK of its own; version 11 was seen not to. */
function sentryTakesGlobals({ dependencies }: Project): boolean {
  const range = Object.entries(dependencies).find(([name]) =>
    /^@sentry\/(?:node|nestjs|node-core)$/.test(name),
  )?.[1]
  const major = Number(/\d+/.exec(range ?? '')?.[0] ?? Number.NaN)
  return !(major < 8 || major >= 11)
}

function afterUs(
  name: string,
  { kind, file, line }: Tracer,
  start: Extract<StartLine, { kind: 'changed' }>,
): ByHand {
  const where = `script ${name}, and ${file}:${line}`
  if (kind === 'sentry')
    return {
      where,
      why: 'Sentry before version 11 sets up OpenTelemetry, from the code and so after any --import: it would find its place taken',
      mend: `preload that file before ours (--import ./${file} …, or --require), or take Sentry 11; then: ${start.text}`,
    }
  return {
    where,
    why: 'an OpenTelemetry SDK is started there, from the code and so after any --import: it would find its place taken',
    mend:
      'give it ours: const { resource, spanProcessors, metricReaders, propagator } = await parts() of @throughline/sdk, ' +
      `into the NodeSDK (docs/guides/existing-opentelemetry.md). Or preload that file, and start again with: ${start.text}`,
  }
}

function sideBySide({ kind, file, line }: Tracer, project: Project): string {
  const at = line === undefined ? file : `${file}:${line}`
  if (kind === 'throughline') return `${at} starts our SDK from the code: no start line is added.`
  if (kind === 'datadog')
    return `dd-trace (${at}) keeps its traces. It writes the header traceparent too; DD_TRACE_PROPAGATION_STYLE=datadog leaves that to OpenTelemetry and stands in the environment example.`
  if (kind === 'sentry' && !sentryTakesGlobals(project))
    return `Sentry (${at}) keeps its errors and its traces. It leaves OpenTelemetry's globals alone, so either may be first.`
  const whose = kind === 'sentry' ? 'Sentry' : 'an OpenTelemetry SDK'
  return `${at} starts ${whose}. Preloaded before ours it keeps its spans, metrics and instrumentations; rows, metrics of operations and the correlation ID are ours.`
}

function noStart(project: Project, only: readonly string[]): never {
  const scripts = Object.entries(project.scripts).map(([name, script]) => `  ${name}: ${script}`)
  refuse(
    [
      only.length > 0
        ? `None of the scripts ${only.join(', ')} starts Node in a way that is known.`
        : 'No script of package.json starts the service in a way that is known. Looked at: start, dev, serve, server, watch, debug, prod, worker, and those with more behind it, such as start:prod.',
      ...(scripts.length > 0 ? ['There is:', ...scripts] : ['There are no scripts.']),
    ].join('\n'),
    [
      'Known are node, nodemon, nest start and tsx. Name another script of theirs by --script NAME,',
      'or add the rest with --no-start-line and start the service with: node --import @throughline/sdk/register <file>',
    ].join('\n'),
  )
}
