import { type Operation, type SealedOperation, toAttributes } from '@throughline/core/runtime'

/** Who records: the process that the row will name. */
interface Recording {
  readonly serviceName: string
  readonly serviceVersion: string | undefined
  readonly instance: string | undefined
}

/** The record of an operation as it is after `durationMs`. */
export function sealedOperation(
  operation: Operation,
  recording: Recording,
  durationMs: number,
): SealedOperation {
  const { names, business } = operation
  return {
    startedAtUs: operation.startUnixNano / 1_000n,
    traceId: operation.traceId,
    spanId: operation.spanId,
    parentSpanId: operation.parentSpanId ?? null,
    correlationId: operation.correlationId,
    service: recording.serviceName,
    serviceVersion: recording.serviceVersion ?? null,
    operationService: names.service ?? recording.serviceName,
    operation: names.operation,
    userId: operation.userId ?? null,
    durationUs: BigInt(Math.max(0, Math.floor(durationMs * 1_000))),
    success: true,
    errorType: null,
    errorMessage: null,
    errorStack: null,
    metadata: operation.metadata === undefined ? null : metadataText(operation.metadata),
    business: business === undefined ? null : JSON.stringify(business),
    instance: recording.instance ?? null,
    seq: null,
  }
}

/** By way of the record's own form on the wire: the same limits, the same hidden secrets. */
function metadataText(metadata: Record<string, unknown>): string | null {
  const { scalars, nested } = toAttributes(metadata)
  if (nested === undefined && Object.keys(scalars).length === 0) return null
  const objects = nested === undefined ? {} : (JSON.parse(nested) as Record<string, unknown>)
  return JSON.stringify({ ...objects, ...scalars })
}
