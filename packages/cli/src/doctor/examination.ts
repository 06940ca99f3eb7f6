import { setTimeout as delay } from 'node:timers/promises'
import type { ChecksAnswer, SessionAnswer } from '@throughline/recorder/client'
import { type Answer, ask, type Question } from './ask.js'
import { type CollectorPage, readCollectorPage } from './collector-page.js'
import { newSynthetic, type Synthetic } from './synthetic.js'
import type { Targets } from './targets.js'

/** What the hops of one run share: where things are, how long they wait, and what hops before them have learned. */
export interface Examination {
  readonly targets: Targets
  readonly synthetic: Synthetic
  /** Longest wait for one answer, in ms. */
  readonly timeoutMs: number
  /** Longest wait for what was sent to arrive, in ms. */
  readonly waitMs: number
  readonly learned: Learned
}

export interface Learned {
  /** The recorder said that it keeps synthetic operations out of everything. */
  knowsSynthetic?: boolean
  /** `ok`, or what the recorder says that is wrong with its database. */
  health?: string
  session?: SessionAnswer
  checks?: ChecksAnswer | undefined
  /** When the recorder answered the checks by our clock: in the middle of the question, give or take half of its time. */
  askedAt?: { ms: number; withinMs: number }
  /** Before anything was sent, to see what changed. */
  page?: CollectorPage
  counters?: RecorderCounts | undefined
  cloudwatch?: { refused: number }
  /** By `performance.now()`. */
  sentAt?: number
  /** Whether CloudWatch or its stand-in can be looked into; else the Collector's word has to do. */
  readsCloudwatch?: boolean
}

/** What the recorder counts of requests that it did not let in. */
export interface RecorderCounts {
  readonly unknownBearers: number
  readonly withoutToken: number
}

export function newExamination(targets: Targets, limits: { timeoutMs: number; waitMs: number }): Examination {
  return { targets, ...limits, synthetic: newSynthetic(), learned: {} }
}

/** Asks the recorder as whoever reads. */
export function askRecorder(
  { targets, timeoutMs }: Examination,
  path: string,
  signal?: AbortSignal,
): Promise<Answer> {
  const { recorderUrl, readToken } = targets
  return ask(`${recorderUrl}${path}`, {
    timeoutMs,
    headers: readToken === undefined ? {} : { authorization: `Bearer ${readToken}` },
    ...(signal === undefined ? {} : { signal }),
  })
}

/** The Collector's own page as it is now; undefined if it does not answer as one. */
export async function collectorPage(examination: Examination): Promise<CollectorPage | undefined> {
  const { targets, timeoutMs } = examination
  const answer = await ask(targets.collectorMetrics.url, { timeoutMs })
  return answer.silence === undefined && answer.status === 200 ? readCollectorPage(answer.text) : undefined
}

/** Sends OTLP in protobuf, as the SDK does. */
export function postOtlp(
  url: string,
  headers: Record<string, string>,
  body: Uint8Array,
  limits: Pick<Question, 'timeoutMs'>,
): Promise<Answer> {
  return ask(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', ...headers },
    body,
    ...limits,
  })
}

/** Calls until there is a result, the wait is over, or the hop's own deadline passed; undefined then. */
export async function poll<T>(
  look: () => Promise<T | undefined>,
  { waitMs, signal }: { waitMs: number; signal: AbortSignal },
): Promise<T | undefined> {
  const deadline = performance.now() + waitMs
  while (!signal.aborted) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() >= deadline) return undefined
    await delay(100, undefined, { signal }).catch(() => {})
  }
  return undefined
}

/** Since the sending, as `0.31 s`. */
export function sinceSent({ learned }: Examination): string {
  return `${((performance.now() - (learned.sentAt ?? 0)) / 1_000).toFixed(2)} s`
}

/** Why a part of the stack does not answer is in its log; elsewhere it is started by the command that is given. */
export function logOr(targets: Targets, part: string, otherwise: string): string {
  return targets.stack?.parts.includes(part) === true
    ? `tail -n 20 ${targets.stack.dir}/logs/${part}.log   # then start the stack again`
    : otherwise
}
