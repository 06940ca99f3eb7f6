import { parseArgs } from 'node:util'
import type { Operation, OperationsAnswer, Story } from '@throughline/recorder/client'
import { CliError } from '../errors.js'
import { RECORDER_HELP, recorderClient, recorderFault, recorderOptions } from '../system/recorder.js'
import { detailsText, errorText, mark, milliseconds } from '../terminal/operation.js'
import { plural } from '../terminal/plural.js'
import { bold, dim, red, say } from '../terminal/print.js'
import { oneLine } from '../terminal/printable.js'

export const SHOW_HELP = `throughline show CORRELATION-ID [--json]

All operations of one correlation ID over all services, as a timeline: when each began after the first, how long it took, what it was worth,
what went wrong.

  --json  the answer of GET /v1/operations?correlation_id=
${RECORDER_HELP}`

/** More are a batch job, which no terminal shows; the API has them page by page. */
const maxOperations = 1_000
const barWidth = 30

/** `throughline show`. Exit code 1: there is no operation of that ID. */
export async function show(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { ...recorderOptions, json: { type: 'boolean', default: false } },
  })
  const [id, ...more] = positionals
  if (id === undefined || more.length > 0)
    throw new CliError('TL_USAGE', `One correlation ID is needed.\n\n${SHOW_HELP}`)
  const client = recorderClient(values)
  const answer = await client
    .operations({ correlation_id: id, limit: maxOperations })
    .catch((cause: unknown) => {
      throw recorderFault(cause)
    })
  if (values.json) say(JSON.stringify(answer))
  else if (answer.story === null) say(`There is no operation of ${oneLine(id)}.`)
  else print(answer, answer.story)
  return answer.story === null ? 1 : 0
}

function print({ operations, cuts }: OperationsAnswer, story: Story): void {
  const { count, failures, services } = story
  const failed = failures === 0 ? '' : `, ${red(`${failures} failed`)}`
  say(
    `${bold(oneLine(story.correlationId))}  ${plural(count, 'operation')} of ${oneLine(services.join(', '))} in ${milliseconds(story.durationMs)}${failed}`,
  )
  say(dim(`${story.startedAt}${story.users.length === 0 ? '' : `  ${oneLine(story.users.join(', '))}`}`))
  for (const { name, currency, total } of story.business)
    say(`  ${oneLine(name)} ${total}${currency === null ? '' : ` ${oneLine(currency)}`}`)
  say()
  const begin = Date.parse(story.startedAt)
  const depths = depthsOf(operations)
  const widths = {
    offset: Math.max(...operations.map((one) => offsetText(one, begin).length)),
    duration: Math.max(...operations.map((one) => milliseconds(one.durationMs).length)),
  }
  for (const one of operations) {
    const name = oneLine(`${one.operationService}.${one.operation}`)
    const indent = '  '.repeat(Math.min(depths.get(one) ?? 0, 8))
    say(
      [
        offsetText(one, begin).padStart(widths.offset),
        bar(one, begin, story.durationMs),
        milliseconds(one.durationMs).padStart(widths.duration),
        mark(one),
        `${indent}${name}`,
        dim(oneLine(one.service)),
        detailsText(one),
      ]
        .join('  ')
        .trimEnd(),
    )
    if (!one.success)
      say(`${' '.repeat(widths.offset + barWidth + widths.duration + 9)}${indent}${red(errorText(one))}`)
  }
  say()
  for (const { jaegerUrl } of story.traces) if (jaegerUrl !== null) say(dim(jaegerUrl))
  for (const cut of cuts) say(dim(cut))
}

function offsetText({ startedAt }: Operation, begin: number): string {
  return `+${milliseconds(Date.parse(startedAt) - begin)}`
}

function bar({ startedAt, durationMs }: Operation, begin: number, wholeMs: number): string {
  const scale = barWidth / Math.max(wholeMs, 0.001)
  const from = Math.min(barWidth - 1, Math.floor((Date.parse(startedAt) - begin) * scale))
  const length = Math.max(1, Math.min(barWidth - from, Math.round(durationMs * scale)))
  return `${'·'.repeat(from)}${'█'.repeat(length)}${'·'.repeat(barWidth - from - length)}`
}

/** How deep each lies below operations that are shown; a parent that is none of them, or comes later, counts as none. */
function depthsOf(operations: readonly Operation[]): Map<Operation, number> {
  const bySpan = new Map<string, number>()
  const depths = new Map<Operation, number>()
  for (const one of operations) {
    const parent = one.parentSpanId === null ? undefined : bySpan.get(`${one.traceId} ${one.parentSpanId}`)
    const depth = parent === undefined ? 0 : parent + 1
    bySpan.set(`${one.traceId} ${one.spanId}`, depth)
    depths.set(one, depth)
  }
  return depths
}
