import { type BusinessValue, type Operation, type Outcome, toAttributes } from '@throughline/core/runtime'

/** An operation that ended, as its row would have it: secrets replaced, metadata cut to its limits. */
export interface RecordedOperation {
  /** `Billing.charge`: service and operation. */
  readonly name: string
  readonly service: string
  readonly operation: string
  /** Whether `outcome` is `success`. */
  readonly success: boolean
  readonly outcome: Outcome
  readonly durationMs: number
  readonly startedAt: Date
  readonly correlationId: string
  readonly userId: string | undefined
  /** 32 and 16 hexadecimal digits. */
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  /** Undefined for a success, and for a failure without an exception. */
  readonly error:
    | { readonly type: string; readonly message: string; readonly stack: string | undefined }
    | undefined
  readonly metadata: Readonly<Record<string, unknown>>
  /** Name with the prefix `business.`, labels, exact decimal. */
  readonly business: readonly BusinessValue[]
}

export function recorded(operation: Operation, serviceName: string): RecordedOperation {
  const { names, failure, outcome, startUnixNano } = operation
  return {
    name: names.spanName,
    service: names.service ?? serviceName,
    operation: names.operation,
    success: outcome === 'success',
    outcome,
    durationMs: operation.durationMs,
    startedAt: new Date(Number(startUnixNano / 1_000_000n)),
    correlationId: operation.correlationId,
    userId: operation.userId,
    traceId: operation.traceId,
    spanId: operation.spanId,
    parentSpanId: operation.parentSpanId,
    error:
      failure === undefined
        ? undefined
        : { type: failure.type, message: failure.message, stack: failure.stack },
    metadata: metadataOf(operation),
    business: (operation.business ?? []).map((one) => ({ ...one, labels: { ...one.labels } })),
  }
}

/** By way of the record's own form, so that a test sees what the row will hold. */
function metadataOf(operation: Operation): Record<string, unknown> {
  if (operation.metadata === undefined) return {}
  const { scalars, nested } = toAttributes(operation.metadata)
  return { ...scalars, ...(nested === undefined ? {} : (JSON.parse(nested) as Record<string, unknown>)) }
}
