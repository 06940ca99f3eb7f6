import type { SyntheticAnswer } from '@throughline/recorder/client'
import { ask, jsonOf } from '../ask.js'
import { askRecorder, type Examination, poll, sinceSent } from '../examination.js'
import { failed, type Hop, notReached, type Outcome, ok, skipped } from '../hop.js'
import { recorderCounts } from './recorder.js'
import { jaegerUrl } from './stores.js'

const group = 'One operation and its measurements'
const lint = 'throughline lint-collector FILE … # the files that your Collector was started with'
const tokenTitle = 'Token to send'
/** So long a record that only takes its time is not blamed on a token. */
const patienceMs = 1_500

type RecordFate =
  | { fate: 'arrived'; record: NonNullable<SyntheticAnswer['record']>; after: string }
  | { fate: 'unknown token' | 'no token' | 'nowhere' }

/** The operation in Postgres and in Jaeger. */
export function arrivalHops(examination: Examination): Hop[] {
  const deadlineMs = examination.waitMs + examination.timeoutMs * 2
  let fate: Promise<RecordFate> | undefined
  // Two hops read it, whichever comes first.
  const recordFate = (signal: AbortSignal) => (fate ??= followRecord(examination, signal))
  const needs = ['operation', 'token', 'postgres'] as const
  return [
    {
      name: 'ingest-token',
      title: tokenTitle,
      group,
      needs,
      deadlineMs,
      run: async (signal) => examineIngestToken(examination, await recordFate(signal)),
    },
    {
      name: 'record',
      title: 'Record in Postgres',
      group,
      needs,
      deadlineMs,
      run: async (signal) => examineRecord(examination, await recordFate(signal)),
    },
    {
      name: 'trace',
      title: 'Trace in Jaeger',
      group,
      needs: ['operation', 'jaeger'],
      deadlineMs,
      run: (signal) => examineTrace(examination, signal),
    },
  ]
}

async function followRecord(examination: Examination, signal: AbortSignal): Promise<RecordFate> {
  const { synthetic, learned, waitMs } = examination
  const found = await poll(
    async (): Promise<RecordFate | undefined> => {
      const answer = jsonOf(await askRecorder(examination, `/v1/synthetic?id=${synthetic.traceId}`))
      const record = (answer as SyntheticAnswer | undefined)?.record
      if (record) return { fate: 'arrived', record, after: sinceSent(examination) }
      if (performance.now() - (learned.sentAt ?? 0) < patienceMs) return undefined
      const [before, now] = [learned.counters, await recorderCounts(examination)]
      if (before === undefined || now === undefined) return undefined
      if (now.unknownBearers > before.unknownBearers) return { fate: 'unknown token' }
      return now.withoutToken > before.withoutToken ? { fate: 'no token' } : undefined
    },
    { waitMs, signal },
  )
  return found ?? { fate: 'nowhere' }
}

const mendToken =
  'throughline token create --role ingest --name collector # then THROUGHLINE_INGEST_TOKEN of the Collector, and start it again'

function examineIngestToken({ targets }: Examination, { fate }: RecordFate): Outcome {
  const who = targets.mode === 'direct' ? 'the service' : 'the Collector'
  if (fate === 'arrived') return ok(`the recorder takes what ${who} sends`)
  if (fate === 'unknown token')
    return failed(
      `the recorder does not know the token of ${who}, which keeps its records until it does`,
      mendToken,
    )
  if (fate === 'no token')
    return failed(`${who} sends no token: its records are refused for good, and lost`, mendToken)
  return skipped('no record came that could tell')
}

function examineRecord({ targets, waitMs }: Examination, found: RecordFate): Outcome {
  if (found.fate === 'unknown token' || found.fate === 'no token') return notReached(`needs ${tokenTitle}`)
  if (found.fate === 'arrived') {
    const { receivedAt, recordedAt } = found.record
    const stored = Date.parse(recordedAt) - Date.parse(receivedAt)
    return ok(`stored ${found.after} after it was sent, ${stored} ms of them with the recorder; in no report`)
  }
  return failed(
    `the Collector took it, and it did not reach ${targets.recorderUrl} within ${waitMs / 1_000} s: is there a pipeline of scope throughline.operations to it?`,
    lint,
  )
}

async function examineTrace(examination: Examination, signal: AbortSignal): Promise<Outcome> {
  const { synthetic, timeoutMs, waitMs } = examination
  const url = `${jaegerUrl(examination)}/api/traces/${synthetic.traceId}`
  const found = await poll(
    async () => {
      const { data } = jsonOf(await ask(url, { timeoutMs })) ?? {}
      return Array.isArray(data) && data.length > 0 ? sinceSent(examination) : undefined
    },
    { waitMs, signal },
  )
  if (found !== undefined) return ok(`there after ${found}: ${url}`)
  return failed(
    `not there within ${waitMs / 1_000} s: no pipeline leads to Jaeger, or a tail sampler left it out`,
    lint,
  )
}
