import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import type { PoolClient } from 'pg'
import { from } from 'pg-copy-streams'
import { encodeCopy } from '../binary.js'
import { columnNames } from '../columns.js'
import type { OperationRow } from '../operation-row.js'

const statement = `COPY throughline.operations (${columnNames}) FROM STDIN (FORMAT binary)`

/**
 * Half of Postgres's work per row of `INSERT ... ON CONFLICT`, but one duplicate fails the whole batch (23505). The rows
 * are encoded chunk by chunk while Postgres stores those before. A backend that dies or refuses while the stream runs is
 * an 'error' event, hence the listener before the first byte; after it nothing may be written any more: that would throw.
 */
export const copyOperations = async (client: PoolClient, rows: readonly OperationRow[]): Promise<number> => {
  const stream = client.query(from(statement))
  let failed = false
  stream.once('error', () => {
    failed = true
  })
  const done = finished(stream, { readable: false })
  // Awaited at the end; until then its rejection is not unhandled.
  done.catch(() => {})
  for (const chunk of encodeCopy(rows)) {
    if (failed) break
    if (!stream.write(chunk)) await Promise.race([once(stream, 'drain'), done])
  }
  if (!failed) stream.end()
  await done
  return stream.rowCount
}
