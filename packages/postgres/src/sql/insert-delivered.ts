import type { PoolClient } from 'pg'
import type { Run } from '../runs.js'

const statement = `INSERT INTO throughline.delivered (instance, lo, hi, received)
  SELECT * FROM unnest($1::uuid[], $2::int8[], $3::int8[], $4::int8[])`

export const insertDelivered = async (client: PoolClient, runs: readonly Run[]): Promise<void> => {
  if (runs.length === 0) return
  await client.query({
    name: 'throughline.insert_delivered',
    text: statement,
    values: [
      runs.map((run) => run.instance),
      runs.map((run) => run.lo),
      runs.map((run) => run.hi),
      runs.map((run) => run.received),
    ],
  })
}
