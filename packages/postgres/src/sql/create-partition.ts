import type { Pool } from 'pg'

/** `day` as `2026-11-21`, in UTC. True if the partition was not there. */
export const createPartition = async (pool: Pool, day: string): Promise<boolean> => {
  const result = await pool.query<{ created: boolean }>(
    'SELECT throughline.create_partition($1::date) AS created',
    [day],
  )
  return result.rows[0]?.created === true
}
