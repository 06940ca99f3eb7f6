import type { Problem } from '../api/schemas/common.js'
import type { CompareAnswer, CompareQuery } from '../api/schemas/compare.js'
import type {
  DeadLetterAnswer,
  DeadLettersAnswer,
  DeadLettersQuery,
  RetryAnswer,
} from '../api/schemas/dead-letters.js'
import type { HealthAnswer, SessionAnswer } from '../api/schemas/health.js'
import type { JobsAnswer, JobsQuery } from '../api/schemas/jobs.js'
import type { OperationDetail } from '../api/schemas/operation.js'
import type {
  ExportQuery,
  OperationsAnswer,
  OperationsQuery,
  UsersAnswer,
  UsersQuery,
} from '../api/schemas/operations.js'
import type { PerformanceAnswer, PerformanceQuery } from '../api/schemas/performance.js'
import type { ConfirmAnswer, ConfirmQuery, StatusAnswer } from '../api/schemas/status.js'
import type { StreamQuery } from '../api/schemas/stream.js'
import type { ChecksAnswer, SyntheticAnswer, SyntheticQuery } from '../api/schemas/synthetic.js'
import type {
  BusinessAnswer,
  FrozenListAnswer,
  PeriodQuery,
  TrendAnswer,
  TrendQuery,
  UpdateBusinessAnswer,
  ValueAnswer,
} from '../api/schemas/value.js'
import { readEvents, type StreamEvent } from './events.js'

export type ClientOptions = {
  /** Base URL of the recorder, as `http://127.0.0.1:4400`; empty: where the page came from. */
  url: string
  /** Bearer token of role `read` or `admin`. */
  token?: string | undefined
  /** Longest wait for the head of an answer, in ms. Default 30,000. */
  timeoutMs?: number
  fetch?: typeof globalThis.fetch
}

type Call = { signal?: AbortSignal | undefined }

/** What the recorder refused, or that it could not be reached: `status` 0, `code` `NETWORK`. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  /** Stable: docs/reference/errors.md. */
  readonly code: string
  /** Seconds after which to ask again, where the recorder says so. */
  readonly retryAfter: number | undefined

  constructor(problem: Pick<Problem, 'status' | 'code' | 'detail'>, retryAfter?: number, cause?: unknown) {
    super(problem.detail, cause === undefined ? undefined : { cause })
    this.status = problem.status
    this.code = problem.code
    this.retryAfter = retryAfter
  }
}

export type Client = ReturnType<typeof createClient>

/**
 * The recorder's API for Node and browsers. Answers are those of `/openapi.json`; every method rejects with `ApiError`,
 * or with the reason of the signal that ended it.
 */
export const createClient = (options: ClientOptions) => {
  const { token, timeoutMs = 30_000 } = options
  const base = options.url.replace(/\/+$/, '')
  const send = options.fetch ?? globalThis.fetch

  /** The answer once its head is there; its body has no deadline but the signal. */
  const open = async (
    method: 'GET' | 'POST',
    path: string,
    query: Record<string, unknown>,
    call: Call,
    accept: string,
  ): Promise<Response> => {
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), timeoutMs)
    const signal = call.signal === undefined ? late.signal : AbortSignal.any([call.signal, late.signal])
    let answer: Response
    try {
      answer = await send(`${base}${path}${searchOf(query)}`, {
        method,
        signal,
        cache: 'no-store',
        headers: { accept, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      })
    } catch (error) {
      if (call.signal?.aborted) throw call.signal.reason
      const detail = late.signal.aborted
        ? `no answer within ${timeoutMs} ms`
        : `the recorder cannot be reached: ${error instanceof Error ? error.message : error}`
      throw new ApiError({ status: 0, code: 'NETWORK', detail }, undefined, error)
    } finally {
      clearTimeout(timer)
    }
    if (!answer.ok) throw await refusalOf(answer)
    return answer
  }

  const ask = async <T>(path: string, query: Record<string, unknown> = {}, call: Call = {}): Promise<T> =>
    (await (await open('GET', path, query, call, 'application/json')).json()) as T
  const order = async <T>(path: string, call: Call = {}): Promise<T> =>
    (await (await open('POST', path, {}, call, 'application/json')).json()) as T

  return {
    session: (call?: Call) => ask<SessionAnswer>('/v1/session', {}, call),
    performance: (query: PerformanceQuery = {}, call?: Call) =>
      ask<PerformanceAnswer>('/metrics/performance', query, call),
    users: (query: UsersQuery = {}, call?: Call) => ask<UsersAnswer>('/metrics/users', query, call),
    business: (query: PeriodQuery = {}, call?: Call) => ask<BusinessAnswer>('/metrics/business', query, call),
    value: (query: PeriodQuery = {}, call?: Call) => ask<ValueAnswer>('/metrics/value', query, call),
    valueTrend: (query: TrendQuery = {}, call?: Call) =>
      ask<TrendAnswer>('/metrics/value/trend', query, call),
    frozenReports: (call?: Call) => ask<FrozenListAnswer>('/metrics/value/frozen', {}, call),
    /** Role `admin`. */
    updateBusiness: (call?: Call) => order<UpdateBusinessAnswer>('/metrics/update-business', call),
    health: (call?: Call) => ask<HealthAnswer>('/metrics/health', {}, call),
    status: (call?: Call) => ask<StatusAnswer>('/v1/status', {}, call),
    /** Role `ingest` is enough. */
    confirm: (query: ConfirmQuery, call?: Call) => ask<ConfirmAnswer>('/v1/confirm', query, call),
    checks: (call?: Call) => ask<ChecksAnswer>('/v1/checks', {}, call),
    /** Of an operation that `throughline doctor` made up. */
    synthetic: (query: SyntheticQuery, call?: Call) => ask<SyntheticAnswer>('/v1/synthetic', query, call),
    compare: (query: CompareQuery = {}, call?: Call) => ask<CompareAnswer>('/metrics/compare', query, call),
    jobs: (query: JobsQuery = {}, call?: Call) => ask<JobsAnswer>('/metrics/jobs', query, call),
    operations: (query: OperationsQuery = {}, call?: Call) =>
      ask<OperationsAnswer>('/v1/operations', query, call),
    /** `at`: its `startedAt`, where it is known. */
    operation: (traceId: string, spanId: string, at?: string, call?: Call) =>
      ask<OperationDetail>(
        `/v1/operations/${encodeURIComponent(traceId)}/${encodeURIComponent(spanId)}`,
        { at },
        call,
      ),
    /** The file as it comes; its headers `throughline-truncated` and `throughline-next` say whether that is all. */
    exportOperations: (query: ExportQuery = {}, call: Call = {}): Promise<Response> =>
      open('GET', '/v1/operations/export', query, call, '*/*'),
    deadLetters: (query: DeadLettersQuery = {}, call?: Call) =>
      ask<DeadLettersAnswer>('/v1/dead-letters', query, call),
    deadLetter: (id: string, call?: Call) =>
      ask<DeadLetterAnswer>(`/v1/dead-letters/${encodeURIComponent(id)}`, {}, call),
    /** Role `admin`. */
    retryDeadLetter: (id: string, call?: Call) =>
      order<RetryAnswer>(`/v1/dead-letters/${encodeURIComponent(id)}/retry`, call),
    /** Role `admin`. */
    retryDeadLetters: (call?: Call) => order<RetryAnswer>('/v1/dead-letters/retry', call),
    /** What happens, until the signal ends it or the recorder does; the caller asks again then. */
    async *stream(query: StreamQuery = {}, call: Call = {}): AsyncGenerator<StreamEvent> {
      const answer = await open('GET', '/metrics/stream', query, call, 'text/event-stream')
      if (answer.body !== null) yield* readEvents(answer.body)
    },
  }
}

const searchOf = (query: Record<string, unknown>): string => {
  const parameters = Object.entries(query).filter(([, value]) => value !== undefined && value !== null)
  if (parameters.length === 0) return ''
  const texts = parameters.map(([name, value]): [string, string] => [name, String(value)])
  return `?${new URLSearchParams(texts)}`
}

const refusalOf = async (answer: Response): Promise<ApiError> => {
  const retryAfter = Number(answer.headers.get('retry-after') ?? Number.NaN)
  const said = (await answer.json().catch(() => ({}))) as Partial<Problem>
  return new ApiError(
    {
      status: answer.status,
      code: said.code ?? 'HTTP',
      detail: said.detail ?? `the answer was ${answer.status}`,
    },
    Number.isNaN(retryAfter) ? undefined : retryAfter,
  )
}
