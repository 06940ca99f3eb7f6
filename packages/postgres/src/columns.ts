import { bucketOf } from './bucket.js'
import type { Bytes } from './bytes.js'
import type { OperationRow } from './operation-row.js'

/** A column of `throughline.operations` in Postgres's binary format: length (-1 is NULL), then the value. */
export type Column = {
  name: string
  type: string
  /** The type's fixed number in pg_type, which the header of a binary array carries. */
  oid: number
  write: (out: Bytes, row: OperationRow) => void
}

/** 2000-01-01, where Postgres's timestamps begin, in microseconds since 1970. */
const postgresEpochUs = 946_684_800_000_000n

const writeNull = (out: Bytes): void => {
  out.reserve(4)
  out.int32(-1)
}

const int8 = (name: string, read: (row: OperationRow) => bigint | null, type = 'int8', oid = 20): Column => ({
  name,
  type,
  oid,
  write(out, row) {
    const value = read(row)
    if (value === null) return writeNull(out)
    out.reserve(12)
    out.int32(8)
    out.int64(value)
  },
})

const int2 = (name: string, read: (row: OperationRow) => number): Column => ({
  name,
  type: 'int2',
  oid: 21,
  write(out, row) {
    out.reserve(6)
    out.int32(2)
    out.int16(read(row))
  },
})

const hex = (
  name: string,
  type: 'uuid' | 'int8',
  bytes: number,
  read: (row: OperationRow) => string | null,
): Column => ({
  name,
  type,
  oid: type === 'uuid' ? 2950 : 20,
  write(out, row) {
    const digits = read(row)
    if (digits === null) return writeNull(out)
    out.reserve(4 + bytes)
    out.int32(bytes)
    out.hex(digits)
  },
})

const bool = (name: string, read: (row: OperationRow) => boolean): Column => ({
  name,
  type: 'bool',
  oid: 16,
  write(out, row) {
    out.reserve(5)
    out.int32(1)
    out.int8(read(row) ? 1 : 0)
  },
})

const text = (name: string, read: (row: OperationRow) => string | null): Column => ({
  name,
  type: 'text',
  oid: 25,
  write(out, row) {
    const value = read(row)
    if (value === null) writeNull(out)
    else out.text(value)
  },
})

const jsonb = (name: string, read: (row: OperationRow) => string | null): Column => ({
  name,
  type: 'jsonb',
  oid: 3802,
  write(out, row) {
    const value = read(row)
    if (value === null) writeNull(out)
    else out.text(value, 1)
  },
})

/** Every column but `recorded_at`, which Postgres fills. */
export const columns: readonly Column[] = [
  int8('started_at', (row) => row.startedAtUs - postgresEpochUs, 'timestamptz', 1184),
  hex('trace_id', 'uuid', 16, (row) => row.traceId),
  hex('span_id', 'int8', 8, (row) => row.spanId),
  hex('parent_span_id', 'int8', 8, (row) => row.parentSpanId),
  int8('duration_us', (row) => row.durationUs),
  int8('seq', (row) => row.seq),
  hex('instance', 'uuid', 16, (row) => row.instance),
  int2('bucket', (row) => bucketOf(row.correlationId)),
  bool('success', (row) => row.success),
  text('correlation_id', (row) => row.correlationId),
  text('service', (row) => row.service),
  text('service_version', (row) => row.serviceVersion),
  text('operation_service', (row) => row.operationService),
  text('operation', (row) => row.operation),
  text('user_id', (row) => row.userId),
  text('error_type', (row) => row.errorType),
  text('error_message', (row) => row.errorMessage),
  text('error_stack', (row) => row.errorStack),
  jsonb('metadata', (row) => row.metadata),
  jsonb('business', (row) => row.business),
]

export const columnNames = columns.map((column) => column.name).join(', ')
