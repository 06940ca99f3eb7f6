import type { OperationRow } from '../operation-row.js'

/** The argument of `throughline.record_operation`: the columns by name, metadata and business as the JSON they are. */
export const recordText = (row: OperationRow): string => {
  const scalars = JSON.stringify({
    started_at: timestampOf(row.startedAtUs),
    trace_id: row.traceId,
    span_id: row.spanId,
    parent_span_id: row.parentSpanId,
    correlation_id: row.correlationId,
    service: row.service,
    service_version: row.serviceVersion,
    operation_service: row.operationService,
    operation: row.operation,
    user_id: row.userId,
    duration_us: row.durationUs.toString(),
    success: row.success,
    error_type: row.errorType,
    error_message: row.errorMessage,
    error_stack: row.errorStack,
    instance: row.instance,
    seq: row.seq?.toString() ?? null,
  })
  return `${scalars.slice(0, -1)},"metadata":${row.metadata},"business":${row.business}}`
}

/** Six digits of a second, as Postgres keeps them: with nine it would round, and the key would be another one. */
export const timestampOf = (us: bigint): string => {
  const ms = us / 1000n
  return `${new Date(Number(ms)).toISOString().slice(0, -1)}${String(us - ms * 1000n).padStart(3, '0')}Z`
}
