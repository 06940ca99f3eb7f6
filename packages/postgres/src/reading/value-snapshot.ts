import type { Pool, PoolClient } from 'pg'
import { inTransaction } from '../transaction.js'

/** Everything that `work` reads is of one moment: a row that comes meanwhile is in all figures or in none. */
export const inSnapshot = <T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> =>
  inTransaction(pool, async (client) => {
    await client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY')
    return work(client)
  })
