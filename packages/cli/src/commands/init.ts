import { createRequire } from 'node:module'
import { createInterface } from 'node:readline/promises'
import { parseArgs } from 'node:util'
import { CliError } from '../errors.js'
import { apply } from '../init/apply.js'
import { type Change, unifiedDiff } from '../init/change.js'
import { makePlan, type Plan } from '../init/plan.js'
import { RECORD } from '../init/record.js'
import { sayFound, sayNext } from '../init/report.js'
import { applyUndo, planUndo } from '../init/undo.js'
import type { Profile } from '../stack/collector.js'
import { plural } from '../terminal/plural.js'
import { bold, say } from '../terminal/print.js'

export const INIT_HELP = `throughline init [--yes | --dry-run] [--profile prometheus|hybrid|cloudwatch] [--dir DIR] [--script NAME …]
throughline init --undo [--yes | --dry-run]

Sets an existing service up, in the folder of its package.json: dependencies, the start line of its scripts, an example of its environment, and
the files of a pipeline to run beside it. Shows each change as a diff before anything is written.

  --yes            write without asking
  --dry-run        show, and write nothing
  --profile        where metrics go (default: prometheus, which needs no account)
  --dir            folder for the pipeline's files (default: throughline)
  --script         the scripts that start the service (default: start, dev, serve … and those like start:prod)
  --no-start-line  leave the scripts as they are
  --no-pipeline    no files of the pipeline
  --undo           take back what earlier runs have written; a file that was changed since stays

What it has written is kept in ${RECORD}. Run again, it changes nothing.`

/** `throughline init`. Resolves with the exit code. */
export async function init(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    allowNegative: true,
    options: {
      yes: { type: 'boolean', default: false },
      'dry-run': { type: 'boolean', default: false },
      undo: { type: 'boolean', default: false },
      profile: { type: 'string', default: 'prometheus' },
      dir: { type: 'string', default: 'throughline' },
      script: { type: 'string', multiple: true, default: [] },
      'start-line': { type: 'boolean', default: true },
      pipeline: { type: 'boolean', default: true },
    },
  })
  const folder = process.cwd()
  const answer = { yes: values.yes, dryRun: values['dry-run'] }
  if (values.undo) return undo(folder, answer)
  const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }
  const plan = makePlan(folder, {
    profile: profileOf(values.profile),
    dir: dirOf(values.dir),
    pipeline: values.pipeline,
    startLine: values['start-line'],
    scripts: values.script,
    version,
  })
  sayFound(plan)
  return write(folder, plan, answer, version, values.pipeline ? dirOf(values.dir) : undefined)
}

interface Answer {
  readonly yes: boolean
  readonly dryRun: boolean
}

async function write(
  folder: string,
  plan: Plan,
  answer: Answer,
  version: string,
  dir: string | undefined,
): Promise<number> {
  const { changes } = plan
  if (changes.length === 0) say('Nothing to change: this service is set up.\n')
  else {
    show(changes)
    if (!(await confirmed(`Write ${plural(changes.length, 'file')}?`, answer))) return 0
    apply(folder, changes, version)
    say(`Wrote ${plural(changes.length, 'file')}. To take it back: npx throughline init --undo\n`)
  }
  sayNext(plan, dir)
  return 0
}

async function undo(folder: string, answer: Answer): Promise<number> {
  const plan = planUndo(folder)
  if (plan === undefined) {
    say(`There is nothing to undo: ${RECORD} is not there.`)
    return 0
  }
  show(plan.changes)
  for (const { path, before, after } of plan.kept) {
    say(
      bold(
        `${path} was changed since, and stays as it is.${after === null ? ' Remove it if you do not need it.' : ' Left to take back by hand:'}`,
      ),
    )
    if (after !== null) for (const line of unifiedDiff({ path, before, after })) say(line)
    say()
  }
  const files = plural(plan.changes.length, 'file')
  if (!(await confirmed(`Take back ${files}?`, answer))) return 0
  applyUndo(folder, plan)
  say(`Took back ${files}. Run your package manager's install, so that node_modules and the lockfile follow.`)
  // Somebody has work left.
  return plan.kept.length === 0 ? 0 : 1
}

function show(changes: readonly Change[]): void {
  for (const change of changes) {
    for (const line of unifiedDiff(change)) say(line)
    say()
  }
}

/** @throws CliError `TL_INIT_UNCONFIRMED` where nobody can be asked. */
async function confirmed(question: string, { yes, dryRun }: Answer): Promise<boolean> {
  if (dryRun) {
    say('Nothing was written: this was --dry-run.')
    return false
  }
  if (yes) return true
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new CliError(
      'TL_INIT_UNCONFIRMED',
      'Nothing was written: there is no terminal to ask at. Run it again with --yes to write what is shown above.',
    )
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    const said = await terminal.question(`${question} [y/N] `)
    if (/^\s*y(?:es)?\s*$/i.test(said)) return true
  } finally {
    terminal.close()
  }
  say('Nothing was written.')
  return false
}

function profileOf(name: string): Profile {
  if (name === 'hybrid' || name === 'prometheus' || name === 'cloudwatch') return name
  throw new CliError('TL_USAGE', `--profile is ${name}: prometheus, hybrid or cloudwatch is needed.`)
}

/** Of the service's own folder, and with forward slashes. */
function dirOf(dir: string): string {
  const plain = dir.replaceAll('\\', '/').replace(/^\.\//, '').replace(/\/+$/, '')
  if (/^[\w][\w.-]*(?:\/[\w][\w.-]*)*$/.test(plain)) return plain
  throw new CliError(
    'TL_USAGE',
    `--dir is ${dir}: a folder inside of this one is needed, such as throughline.`,
  )
}
