import type { PoolClient } from 'pg'
import { deadLetterBody, type OperationRow } from '../operation-row.js'
import { timestampOf } from './record-text.js'

const statement = `INSERT INTO throughline.in_tx (started_at, trace_id, span_id, record)
  SELECT * FROM unnest($1::timestamptz[], $2::uuid[], $3::int8[], $4::text[]) ON CONFLICT DO NOTHING`

/**
 * Keeps the copies of records that went into a transaction of their own until it is known what became of that one. It waits for no such
 * transaction. The rows are normalised and sorted by key.
 */
export const insertCopies = async (client: PoolClient, rows: readonly OperationRow[]): Promise<void> => {
  if (rows.length === 0) return
  await client.query({
    name: 'throughline.insert_copies',
    text: statement,
    values: [
      rows.map((row) => timestampOf(row.startedAtUs)),
      rows.map((row) => row.traceId),
      rows.map((row) => BigInt.asIntN(64, BigInt(`0x${row.spanId}`)).toString()),
      rows.map(deadLetterBody),
    ],
  })
}
