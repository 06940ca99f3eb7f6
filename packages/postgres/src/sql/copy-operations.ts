import { finished } from 'node:stream/promises'
import type { PoolClient } from 'pg'
import { from } from 'pg-copy-streams'
import { encodeCopy } from '../binary.js'
import { columnNames } from '../columns.js'
import type { OperationRow } from '../operation-row.js'

const statement = `COPY throughline.operations (${columnNames}) FROM STDIN (FORMAT binary)`

/**
 * Half of Postgres's work per row of `INSERT ... ON CONFLICT`, but one duplicate fails the whole batch (23505).
 * A backend that dies while the stream runs is an 'error' event, hence the listener before the first byte and the
 * whole batch in one `end`: a later `write` to a dead stream would throw.
 */
export const copyOperations = async (client: PoolClient, rows: readonly OperationRow[]): Promise<number> => {
  const stream = client.query(from(statement))
  const done = finished(stream, { readable: false })
  stream.end(encodeCopy(rows))
  await done
  return stream.rowCount
}
