import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { ApiError, type Client, type StreamQuery } from '@throughline/recorder/client'
import { RECORDER_HELP, recorderClient, recorderFault, recorderOptions } from '../system/recorder.js'
import { tailLine } from '../terminal/operation.js'
import { dim, say } from '../terminal/print.js'
import { untilSignal } from '../terminal/signals.js'

export const TAIL_HELP = `throughline tail [--service NAME] [--operation NAME] [--failed] [--json]

Operations as they are stored, one line each, until Ctrl-C: time of the start, outcome, operation, duration, service, user, correlation ID, and
what else the row has.

  --service    of this service (service.name) alone
  --operation  AllocationService.autoAllocate, or autoAllocate of any class
  --failed     failed ones alone
  --json       one JSON object a line, as in GET /v1/operations
${RECORDER_HELP}`

const firstBackoffMs = 500
const maxBackoffMs = 10_000

/** `throughline tail`. Resolves with the exit code when it is told to stop. */
export async function tail(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      ...recorderOptions,
      service: { type: 'string' },
      operation: { type: 'string' },
      failed: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  const { service, operation, failed, json } = values
  const query: StreamQuery = {
    ...(service === undefined ? {} : { service }),
    ...(operation === undefined ? {} : { operation }),
    ...(failed ? { outcome: 'failure' } : {}),
    events: 'operations',
  }
  const stopped = new AbortController()
  untilSignal(() => stopped.abort())
  // `throughline tail | head`: who listened has enough.
  process.stdout.on('error', () => stopped.abort())
  return follow(recorderClient(values), query, json, stopped.signal)
}

/** A stream that ended, or a recorder that is away, is asked again; a refusal is final. */
async function follow(
  client: Client,
  query: StreamQuery,
  json: boolean,
  signal: AbortSignal,
): Promise<number> {
  let backoffMs = firstBackoffMs
  for (let first = true; !signal.aborted; first = false) {
    try {
      for await (const { event, data } of client.stream(query, { signal })) {
        backoffMs = firstBackoffMs
        if (event !== 'operations') continue
        for (const one of data.operations) say(json ? JSON.stringify(one) : tailLine(one))
        if (data.skipped) note('… more than this was stored; some are not shown')
      }
    } catch (error) {
      if (signal.aborted) break
      if (first || !mayPass(error)) throw recorderFault(error)
      note(`The recorder is away; asking again in ${backoffMs / 1_000} s`)
    }
    await delay(backoffMs, undefined, { signal }).catch(() => {})
    backoffMs = Math.min(backoffMs * 2, maxBackoffMs)
  }
  return 0
}

/** Anything but a refusal: the network, a restart, a stream that was cut. */
function mayPass(error: unknown): boolean {
  return !(error instanceof ApiError) || error.status === 0 || error.status === 429 || error.status >= 500
}

function note(text: string): void {
  process.stderr.write(`${dim(text)}\n`)
}
