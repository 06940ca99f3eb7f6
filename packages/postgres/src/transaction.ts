import type { Pool, PoolClient } from 'pg'
import { PostgresError, sqlStateOf } from './errors.js'

/**
 * Runs `work` between BEGIN and COMMIT on one connection and resolves after COMMIT was answered. After an error that
 * Postgres did not send (cut, timeout) the connection is thrown away: its state is not known.
 */
export const inTransaction = async <T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> => {
  const client = await pool.connect()
  // A connection that breaks while it is in use also emits 'error'; the query under way rejects with the same one.
  const ignore = (): void => {}
  client.on('error', ignore)
  let broken = true
  try {
    await client.query('BEGIN')
    const result = await work(client)
    const end = await client.query('COMMIT')
    broken = false
    // COMMIT of a failed transaction is answered with the tag ROLLBACK, and is no error.
    if (end.command !== 'COMMIT')
      throw new PostgresError('TL_NOT_COMMITTED', `COMMIT was answered with ${end.command}`)
    return result
  } catch (error) {
    if (broken && sqlStateOf(error) !== undefined) broken = !(await rolledBack(client))
    throw error
  } finally {
    client.off('error', ignore)
    client.release(broken)
  }
}

const rolledBack = async (client: PoolClient): Promise<boolean> => {
  try {
    await client.query('ROLLBACK')
    return true
  } catch {
    return false
  }
}
