/**
 * The record of an operation that has not ended, in the shape of a row. It says `success`, as nothing has failed yet, and lasts until now.
 * It has no number of its instance's sequence: the copy that is sent when the operation ends takes one and brings it, so that a process
 * that dies before leaves no gap.
 */
export interface SealedOperation {
  /** Microseconds since 1970, cut from nanoseconds as the recorder cuts them: part of the identity. */
  readonly startedAtUs: bigint
  /** 32 hex digits: part of the identity. */
  readonly traceId: string
  /** 16 hex digits: part of the identity. */
  readonly spanId: string
  readonly parentSpanId: string | null
  readonly correlationId: string
  readonly service: string
  readonly serviceVersion: string | null
  readonly operationService: string
  readonly operation: string
  readonly userId: string | null
  readonly durationUs: bigint
  readonly success: boolean
  readonly errorType: null
  readonly errorMessage: null
  readonly errorStack: null
  /** JSON text of an object. */
  readonly metadata: string | null
  /** JSON text of an array of business values. */
  readonly business: string | null
  readonly instance: string | null
  readonly seq: null
}
