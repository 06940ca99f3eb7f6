/** A time as text, to the microsecond that a `Date` would cut. */
export const timeText = (time: string): string =>
  `to_char(${time} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

const hex = (id: string): string => `lpad(to_hex(${id}), 16, '0')`

/** The columns of `OperationRecord`, of a relation `o`. */
export const recordColumns = `${timeText('o.started_at')} AS "startedAt", ${timeText('o.recorded_at')} AS "recordedAt",
  replace(o.trace_id::text, '-', '') AS "traceId", ${hex('o.span_id')} AS "spanId",
  CASE WHEN o.parent_span_id IS NOT NULL THEN ${hex('o.parent_span_id')} END AS "parentSpanId",
  o.correlation_id AS "correlationId", o.service, o.service_version AS "serviceVersion",
  o.operation_service AS "operationService", o.operation, o.user_id AS "userId",
  o.duration_us::float8 / 1000 AS "durationMs", o.success, o.error_type AS "errorType", o.error_message AS "errorMessage",
  o.metadata, o.business`

export const detailColumns = `${recordColumns}, o.error_stack AS "errorStack", o.instance, o.seq`

/** A row of `throughline.operations` as it is shown; times are RFC 3339 in UTC with microseconds. */
export type OperationRecord = {
  startedAt: string
  recordedAt: string
  /** 32 and 16 hexadecimal digits. */
  traceId: string
  spanId: string
  parentSpanId: string | null
  correlationId: string
  service: string
  serviceVersion: string | null
  operationService: string
  operation: string
  userId: string | null
  durationMs: number
  success: boolean
  errorType: string | null
  errorMessage: string | null
  metadata: unknown
  business: unknown
}

export type OperationDetailRecord = OperationRecord & {
  errorStack: string | null
  instance: string | null
  /** Decimal digits. */
  seq: string | null
}
