import { Bytes } from './bytes.js'
import { type Column, columns } from './columns.js'
import type { OperationRow } from './operation-row.js'

// Signature, no flags, no header extension (PostgreSQL manual, COPY, "Binary Format").
const copyHeader = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)])

/** A record is about 450 bytes; growth by doubling takes care of larger ones. */
const usualRowBytes = 512

/** Large enough that a chunk is a few calls, small enough that Postgres begins with the first before the last is made. */
const chunkBytes = 262_144

/**
 * The rows as the whole input of `COPY ... FROM STDIN (FORMAT binary)`, in chunks to be sent one after the other: each
 * is made when it is asked for.
 */
export function* encodeCopy(rows: readonly OperationRow[]): Generator<Buffer> {
  let out = new Bytes(
    Math.min(chunkBytes, copyHeader.length + 2 + rows.length * usualRowBytes) + usualRowBytes,
  )
  out.raw(copyHeader)
  for (const row of rows) {
    out.reserve(2)
    out.int16(columns.length)
    for (const column of columns) column.write(out, row)
    if (out.length >= chunkBytes) {
      yield out.take()
      out = new Bytes(chunkBytes + usualRowBytes)
    }
  }
  out.reserve(2)
  out.int16(-1)
  yield out.take()
}

const encodeArray = (column: Column, rows: readonly OperationRow[]): Buffer => {
  const out = new Bytes(20 + rows.length * 24)
  out.int32(1) // one dimension
  out.int32(1) // may hold NULL
  out.int32(column.oid)
  out.int32(rows.length)
  out.int32(1) // counted from 1
  for (const row of rows) column.write(out, row)
  return out.take()
}

/** One binary array a column: `pg` sends a Buffer parameter in binary, so no text is made or read on either side. */
export const encodeArrays = (rows: readonly OperationRow[]): Buffer[] =>
  columns.map((column) => encodeArray(column, rows))
