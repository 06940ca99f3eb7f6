import { Bytes } from './bytes.js'
import { type Column, columns } from './columns.js'
import type { OperationRow } from './operation-row.js'

// Signature, no flags, no header extension (PostgreSQL manual, COPY, "Binary Format").
const copyHeader = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)])

/** A record is about 450 bytes; growth by doubling takes care of larger ones. */
const usualRowBytes = 512

/** The rows as the whole input of `COPY ... FROM STDIN (FORMAT binary)`. */
export const encodeCopy = (rows: readonly OperationRow[]): Buffer => {
  const out = new Bytes(copyHeader.length + 2 + rows.length * usualRowBytes)
  out.raw(copyHeader)
  for (const row of rows) {
    out.reserve(2)
    out.int16(columns.length)
    for (const column of columns) column.write(out, row)
  }
  out.reserve(2)
  out.int16(-1)
  return out.take()
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
