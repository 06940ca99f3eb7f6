import { join } from 'node:path'
import { CliError } from '../errors.js'
import type { Profile } from '../stack/collector.js'
import type { Change } from './change.js'
import { envExample } from './env-example.js'
import { setEntry } from './json-text.js'
import { notesOn } from './notes.js'
import { pipelineFiles } from './pipeline-files.js'
import { type Project, readProject, refuse } from './project.js'
import { readText } from './read.js'
import { hashOf, type InitRecord, lastWritten, readRecord } from './record.js'
import { planStart, type StartPlan } from './start-plan.js'

export interface PlanOptions {
  readonly profile: Profile
  /** Folder of the pipeline's files, in that of the service. */
  readonly dir: string
  readonly pipeline: boolean
  readonly startLine: boolean
  /** Only these scripts; none: those whose names say that they start the service. */
  readonly scripts: readonly string[]
  /** Of this package, and so of those that are added. */
  readonly version: string
}

export interface Plan {
  readonly project: Project
  readonly start: StartPlan
  /** New files first, then those of the user. */
  readonly changes: readonly Change[]
  readonly notes: readonly string[]
}

/** Reads the folder and says what would change; writes nothing. @throws CliError where something is not understood. */
export function makePlan(folder: string, options: PlanOptions): Plan {
  const project = readProject(folder)
  const record = readRecord(folder)
  const start = options.startLine ? planStart(project, options.scripts) : NO_START
  const notes = [...start.notes, ...notesOn(project)]
  const made = options.pipeline ? pipelineChanges(project, options, record, notes) : []
  const tokenFile = options.pipeline ? `${options.dir}/.env` : undefined
  const settings = { service: project.service, tokenFile, datadog: start.datadog }
  const edited = [envExample(folder, settings), manifestChange(project, start, options.version)]
  return { project, start, changes: [...made, ...edited].filter((change) => change !== undefined), notes }
}

const NO_START: StartPlan = { scripts: {}, already: [], byHand: [], notes: [], datadog: false }

function manifestChange(project: Project, start: StartPlan, version: string): Change | undefined {
  const { manifest, dependencies } = project
  const wanted: [string, string, string][] = [
    ...Object.entries(start.scripts).map(([name, text]): [string, string, string] => ['scripts', name, text]),
    ['dependencies', '@opentelemetry/api', '^1.10.0'],
    ['dependencies', '@throughline/core', `^${version}`],
    ['dependencies', '@throughline/sdk', `^${version}`],
    ['devDependencies', '@throughline/cli', `^${version}`],
  ]
  const missing = wanted.filter(([kind, name]) => kind === 'scripts' || !Object.hasOwn(dependencies, name))
  let after = manifest
  try {
    for (const [object, key, value] of missing) after = setEntry(after, object, key, value)
  } catch (error) {
    refuse(`package.json cannot be edited: ${(error as Error).message}`, 'Mend it and start again.')
  }
  return after === manifest ? undefined : { path: 'package.json', before: manifest, after }
}

function pipelineChanges(
  project: Project,
  options: PlanOptions,
  record: InitRecord,
  notes: string[],
): Change[] {
  const { dir, profile, version } = options
  const name = `${project.service.toLowerCase().replace(/[^a-z0-9]+/g, '-')}-throughline`
  const conflicts: string[] = []
  const changes: Change[] = []
  for (const { path: inside, text, secret } of pipelineFiles(profile, name, version)) {
    const path = `${dir}/${inside}`
    const before = readText(join(project.folder, path)) ?? null
    const written = lastWritten(record, path)
    // Secrets that are in use are not made anew.
    if (before === text || (secret && before !== null)) continue
    if (before === null || written?.hash === hashOf(before))
      changes.push({ path, before, after: text, secret })
    else if (written === undefined) conflicts.push(path)
    else notes.push(`${path} was written by an earlier run and changed since: it stays.`)
  }
  if (conflicts.length === 0) return changes
  throw new CliError(
    'TL_INIT_CONFLICT',
    [
      `These files are there already, and are not ours: ${conflicts.join(', ')}.`,
      'Give another folder by --dir, move them away, or leave the pipeline out by --no-pipeline.',
      'Nothing was changed.',
    ].join('\n'),
  )
}
