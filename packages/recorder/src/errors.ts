/** Every code of this package with the condition behind it; `docs/reference/errors.md` lists the same ones. */
export const codes = {
  TL_RECORDER_OPTION: 'An option or environment variable of the recorder is missing or out of its range.',
  TL_BODY_MALFORMED: 'The body of a request is not what its headers say, and will never be. Answer 400.',
  TL_BODY_TOO_LARGE: 'The body of a request goes beyond a limit, compressed or not. Answer 413.',
  TL_BODY_TYPE: 'The content type or encoding of a request is not one that OTLP/HTTP knows. Answer 415.',
  TL_RECORDER_BUSY: 'More is waiting to be stored than the recorder may hold. Answer 503, to be repeated.',
  TL_PARAMETER: 'A parameter of a request is missing or out of its range. Answer 400.',
  TL_TOKEN_MISSING: 'A request came without a bearer token. Answer 401.',
  TL_TOKEN_UNKNOWN:
    'The bearer token of a request is not valid here. Answer 503 to records, unread, to be repeated; else 401.',
  TL_TOKEN_ROLE: 'The role of the bearer token does not allow the request. Answer 403.',
  TL_DATABASE_AWAY: 'The database cannot take the records now. Answer 503, to be repeated.',
  TL_NOT_FOUND: 'What was asked for is not there.',
  TL_QUERY_TIMEOUT: 'A query took longer than it may.',
  TL_TOO_MANY_ATTEMPTS: 'Too many wrong tokens came from one address.',
  TL_VALUE_NO_MODEL: 'The recorder was given no value model.',
  TL_PUBLISH_FAILED: 'The value gauges could not be handed on.',
  TL_INTERNAL: 'A fault of the recorder itself.',
  TL_VALUE_MODEL:
    'The file of the value model cannot be read or has mistakes; the message names line and column.',
  TL_VALUE_PERIOD: 'A period is none, lies in the future, or is not over where it must be.',
  TL_VALUE_FROZEN: 'The report of that period is frozen already.',
} as const

type RecorderErrorCode = keyof typeof codes

const statuses: Record<RecorderErrorCode, number> = {
  TL_RECORDER_OPTION: 503,
  TL_BODY_MALFORMED: 400,
  TL_BODY_TOO_LARGE: 413,
  TL_BODY_TYPE: 415,
  TL_RECORDER_BUSY: 503,
  TL_PARAMETER: 400,
  TL_TOKEN_MISSING: 401,
  TL_TOKEN_UNKNOWN: 401,
  TL_TOKEN_ROLE: 403,
  TL_DATABASE_AWAY: 503,
  TL_NOT_FOUND: 404,
  TL_QUERY_TIMEOUT: 504,
  TL_TOO_MANY_ATTEMPTS: 429,
  TL_VALUE_NO_MODEL: 404,
  TL_PUBLISH_FAILED: 502,
  TL_INTERNAL: 500,
  TL_VALUE_MODEL: 503,
  TL_VALUE_PERIOD: 400,
  TL_VALUE_FROZEN: 409,
}

/** What the recorder refuses. `status` is the HTTP answer; the message may be shown to whoever sent the request. */
export class RecorderError extends Error {
  override readonly name = 'RecorderError'
  readonly code: RecorderErrorCode
  readonly status: number
  /** When to ask again, where it is known. */
  readonly retryAfterSeconds: number | undefined

  constructor(
    code: RecorderErrorCode,
    message: string,
    options: { status?: number; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.status = options.status ?? statuses[code]
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}

/** A short word for a log line or a health answer: a code, never an address, a name or a value. */
export const faultCode = (error: unknown): string => {
  if (!(error instanceof Error)) return 'unknown'
  if (error.cause instanceof Error) return faultCode(error.cause)
  if ('code' in error && typeof error.code === 'string') return error.code
  return /timeout|timed out/i.test(error.message) ? 'timeout' : error.name
}
