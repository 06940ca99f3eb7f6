import { parseArgs } from 'node:util'
import type { CompareAnswer, CompareQuery, Finding } from '@throughline/recorder/client'
import { CliError } from '../errors.js'
import { RECORDER_HELP, recorderClient, recorderFault, recorderOptions } from '../system/recorder.js'
import { columns } from '../terminal/columns.js'
import { milliseconds } from '../terminal/operation.js'
import { bold, dim, green, red, say } from '../terminal/print.js'
import { oneLine } from '../terminal/printable.js'

const kinds = ['failures', 'error_type', 'latency', 'tail', 'value'] as const

export const COMPARE_HELP = `throughline compare [--operation NAME] [--service NAME] [--old VERSION] [--new VERSION] [--hours 24]
                    [--confidence 0.99] [--least 0.05] [--fail-on KINDS] [--json]

Did this deploy hurt? The operations of two versions (service.version) held against each other: how many fail and of what, how long they take,
what a success is worth, and whether a difference is more than noise.

  --new, --old   default: the version that was seen first the latest, and the one before it
  --hours        how far back (default: 24)
  --confidence   how sure a difference must be to be called one (default: 0.99)
  --least        relative changes of durations and values below this are noise (default: 0.05)
  --fail-on      exit code 1 when the new version is worse in one of these: ${kinds.join(', ')}, or any. Exit code 2 when there are too few
                 operations to say. For a gate in a pipeline: --fail-on any
  --json         the answer of GET /metrics/compare
${RECORDER_HELP}`

/** `throughline compare`. Resolves with the exit code. */
export async function compare(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      ...recorderOptions,
      service: { type: 'string' },
      operation: { type: 'string' },
      old: { type: 'string' },
      new: { type: 'string' },
      hours: { type: 'string' },
      confidence: { type: 'string' },
      least: { type: 'string' },
      'fail-on': { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  })
  const { service, operation, old, new: now } = values
  const failOn = kindsOf(values['fail-on'])
  const number = (name: 'hours' | 'confidence' | 'least'): Partial<CompareQuery> =>
    values[name] === undefined ? {} : { [name]: numberOf(name, values[name]) }
  const query: CompareQuery = {
    ...(service === undefined ? {} : { service }),
    ...(operation === undefined ? {} : { operation }),
    ...(old === undefined ? {} : { old }),
    ...(now === undefined ? {} : { new: now }),
    ...number('hours'),
    ...number('confidence'),
    ...number('least'),
  }
  const answer = await recorderClient(values)
    .compare(query)
    .catch((cause: unknown) => {
      throw recorderFault(cause)
    })
  if (values.json) say(JSON.stringify(answer))
  else print(answer)
  return failOn === undefined ? 0 : gate(answer, failOn)
}

/** 1: worse in one of these; 2: nobody can say yet, which is no pass. */
function gate({ findings, old, new: now }: CompareAnswer, failOn: readonly string[]): 0 | 1 | 2 {
  const looked = findings.filter(({ what }) => failOn.includes(what))
  if (looked.some(({ verdict }) => verdict === 'worse')) return 1
  return old === null || now === null || looked.some(({ verdict }) => verdict === 'too few') ? 2 : 0
}

function print({ old, new: now, findings, verdict, text, confidence }: CompareAnswer): void {
  if (old === null || now === null) {
    say(oneLine(text))
    return
  }
  columns(
    ['', 'VERSION', 'OPERATIONS', 'FAILED', 'P50', 'P95', 'P99', 'FIRST SEEN'],
    [old, now].map((side, at) => [
      at === 0 ? 'old' : 'new',
      oneLine(side.version ?? '(none)'),
      String(side.count),
      String(side.failures),
      milliseconds(side.p50Ms),
      milliseconds(side.p95Ms),
      milliseconds(side.p99Ms),
      side.firstSeen.slice(0, 19),
    ]),
  )
  say()
  for (const finding of findings) say(`  ${label(finding)}  ${oneLine(finding.text)}`)
  say()
  const paint = verdict === 'worse' ? red : verdict === 'better' ? green : bold
  say(`${paint(oneLine(text))} ${dim(`at a confidence of ${confidence * 100} %`)}`)
}

function label({ verdict }: Finding): string {
  const text = verdict.padEnd(9)
  return verdict === 'worse' ? red(text) : verdict === 'better' ? green(text) : dim(text)
}

function kindsOf(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined
  if (text === 'any') return kinds
  const wanted = text.split(',').map((kind) => kind.trim())
  const wrong = wanted.find((kind) => !kinds.some((known) => known === kind))
  if (wrong === undefined) return wanted
  throw new CliError('TL_USAGE', `--fail-on has ${wrong}: there are ${kinds.join(', ')} and any.`)
}

function numberOf(name: string, text: string): number {
  const value = Number(text)
  if (text !== '' && Number.isFinite(value)) return value
  throw new CliError('TL_USAGE', `--${name} is ${text}: a number is needed.`)
}
