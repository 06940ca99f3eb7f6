/** Every code of this package with the condition behind it; `docs/reference/errors.md` lists the same ones. */
export const codes = {
  TL_RECORDER_OPTION: 'An option or environment variable of the recorder is missing or out of its range.',
  TL_BODY_MALFORMED: 'The body of a request is not what its headers say, and will never be. Answer 400.',
  TL_BODY_TOO_LARGE: 'The body of a request goes beyond a limit, compressed or not. Answer 413.',
  TL_BODY_TYPE: 'The content type or encoding of a request is not one that OTLP/HTTP knows. Answer 415.',
  TL_RECORDER_BUSY: 'More is waiting to be stored than the recorder may hold. Answer 503, to be repeated.',
  TL_DATABASE_AWAY: 'The database cannot take the records now. Answer 503, to be repeated.',
} as const

type RecorderErrorCode = keyof typeof codes

const statuses: Record<RecorderErrorCode, number> = {
  TL_RECORDER_OPTION: 503,
  TL_BODY_MALFORMED: 400,
  TL_BODY_TOO_LARGE: 413,
  TL_BODY_TYPE: 415,
  TL_RECORDER_BUSY: 503,
  TL_DATABASE_AWAY: 503,
}

/** What the recorder refuses. `status` is the HTTP answer; the message may be shown to whoever sent the request. */
export class RecorderError extends Error {
  override readonly name = 'RecorderError'
  readonly code: RecorderErrorCode
  readonly status: number

  constructor(code: RecorderErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.status = statuses[code]
  }
}

/** A short word for a log line or a health answer: a code, never an address, a name or a value. */
export const faultCode = (error: unknown): string => {
  if (!(error instanceof Error)) return 'unknown'
  if (error.cause instanceof Error) return faultCode(error.cause)
  if ('code' in error && typeof error.code === 'string') return error.code
  return /timeout|timed out/i.test(error.message) ? 'timeout' : error.name
}
