/**
 * One completed operation as it is stored: one row of `throughline.operations`. Which attribute of a span becomes
 * which field is the contract in docs/reference/record.md.
 */
export type OperationRow = {
  /** Microseconds since 1970, cut (not rounded) from the span's nanoseconds: part of the identity. */
  startedAtUs: bigint
  /** 32 hex digits, not all zero: part of the identity. */
  traceId: string
  /** 16 hex digits, not all zero: part of the identity. */
  spanId: string
  parentSpanId: string | null
  correlationId: string
  service: string
  serviceVersion: string | null
  operationService: string
  operation: string
  userId: string | null
  durationUs: bigint
  success: boolean
  errorType: string | null
  errorMessage: string | null
  errorStack: string | null
  /** Text of a JSON object. */
  metadata: string | null
  /** Text of a JSON array of `{ name, labels, value }`, `value` a decimal string. */
  business: string | null
  /** UUID of the process (or worker thread) that wrote the record. */
  instance: string | null
  /** Counted from 1 in each instance. */
  seq: bigint | null
  /** Whether this is the copy of a record that went into a transaction of its own: `throughline.in_tx`. */
  inTx?: boolean
}

/** What is parked in `throughline.dead_letter`: a record that can never become a row, and why. */
export type DeadLetter = {
  reason: string
  /** The SQLSTATE when Postgres refused the row, null when it was refused before. */
  sqlState: string | null
  /** The whole record as text. Its sha256 is the unique key: the same record delivered again adds nothing. */
  body: string
  /** The record's instance (a UUID) and number, where they could be read: what is parked counts as delivered. */
  instance?: string | null
  seq?: bigint | null
}

/** The body under which a row is parked: the same text for every delivery of the same row. */
export const deadLetterBody = (row: OperationRow): string =>
  JSON.stringify({ row }, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))
