import pg, { type Pool } from 'pg'
import { PostgresError, sqlStateOf } from './errors.js'
import { sessionGuards } from './session-guards.js'

/** An arbitrary number, the same in every process that drops partitions. */
const retentionLock = 7305472212

type RetentionOptions = {
  /** Days that are kept, as the writer's `retentionDays`. Default 90; 1 to 3,650. */
  retentionDays?: number
  /** Longest wait for readers of a partition, in ms. Default 30,000; what is not done then waits for the next run. */
  lockTimeoutMs?: number
  /** Longest time to connect, in ms. Default 5,000. */
  connectTimeoutMs?: number
  /** Milliseconds since 1970. Default `Date.now`. */
  now?: () => number
}

type RetentionResult = {
  /** The days whose partitions were dropped, as `2026-11-21`. */
  dropped: string[]
  deadLetters: number
  /** Instances that ended, and of which nothing came, since before the retention. */
  instances: number
  /** Why not all was done: another process is at it, readers held a partition, or a day is not summed up yet. */
  waiting: 'turn' | 'readers' | 'rollups' | null
}

type Partition = { name: string; pending: boolean; attached: boolean; day: string }

// A detached table that nobody dropped has no bounds any more: hence the day from the name.
const partitionsQuery = `SELECT c.relname AS name, i.inhrelid IS NOT NULL AS attached,
    coalesce(i.inhdetachpending, false) AS pending,
    substr(c.relname, 12, 4) || '-' || substr(c.relname, 16, 2) || '-' || substr(c.relname, 18, 2) AS day
  FROM pg_class AS c LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid
  WHERE c.relnamespace = 'throughline'::regnamespace AND c.relkind = 'r' AND c.relname ~ '^operations_\\d{8}$'
  ORDER BY c.relname`

const dayMs = 86_400_000

/**
 * Drops the partitions beyond the retention, and the dead letters and instances of that time. On a connection of its
 * own, whose role must be a member of throughline_owner: DETACH ... CONCURRENTLY runs in no transaction and waits for
 * readers, while writers go on. A run that was cut in between is ended by the next one. Several recorders may call it
 * at once: one of them does it. One day more is kept than asked, for clocks that differ.
 */
export const applyRetention = async (
  databaseUrl: string,
  options: RetentionOptions = {},
): Promise<RetentionResult> => {
  const retentionDays = options.retentionDays ?? 90
  if (!(retentionDays >= 1 && retentionDays <= 3_650))
    throw new PostgresError('TL_POSTGRES_OPTION', `retentionDays is ${retentionDays}, not 1 to 3650`)
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    lock_timeout: Math.floor(options.lockTimeoutMs ?? 30_000),
    application_name: 'throughline retention',
    keepAlive: true,
    ...sessionGuards,
  })
  client.on('error', () => {})
  const now = (options.now ?? Date.now)()
  const before = new Date(now - (retentionDays + 1) * dayMs)
  const result: RetentionResult = { dropped: [], deadLetters: 0, instances: 0, waiting: null }
  try {
    await client.connect()
    const turn = await client.query('SELECT pg_try_advisory_lock($1) AS mine', [retentionLock])
    if (turn.rows[0].mine !== true) return { ...result, waiting: 'turn' }
    await dropPartitions(client, before, result)
    for (const table of ['rollup_job_spans', 'rollup_job_checks'])
      await client.query(
        `DELETE FROM throughline.${table} WHERE start < (SELECT floor FROM throughline.rollup_floor)`,
      )
    result.deadLetters = await count(client, deleteDeadLetters, before)
    result.instances = await count(client, deleteInstances, before)
    return result
  } catch (error) {
    if (sqlStateOf(error) === '55P03') return { ...result, waiting: 'readers' }
    throw error
  } finally {
    await client.end()
  }
}

const dropPartitions = async (client: pg.Client, before: Date, result: RetentionResult): Promise<void> => {
  const { rows } = await client.query<Partition>(partitionsQuery)
  // One detach can be under way at a time, so one that was cut comes first.
  for (const { name } of rows.filter((row) => row.pending)) {
    await client.query(`ALTER TABLE throughline.operations DETACH PARTITION throughline.${name} FINALIZE`)
  }
  for (const { name, attached, pending, day } of rows) {
    if (Date.parse(day) + dayMs > before.getTime()) continue
    if (attached && !pending) {
      // Days are closed from the oldest on.
      if (!(await closeDay(client, day))) {
        result.waiting = 'rollups'
        return
      }
      await client.query(
        `ALTER TABLE throughline.operations DETACH PARTITION throughline.${name} CONCURRENTLY`,
      )
    }
    await client.query(`DROP TABLE throughline.${name}`)
    result.dropped.push(day)
  }
}

/** False while a worker has rows of that day to sum up; true once the day's sums need its rows no more. */
const closeDay = async (client: pg.Client, day: string): Promise<boolean> => {
  const { rows } = await client.query<{ closed: boolean }>(
    'SELECT throughline.close_rollup_day($1::date) AS closed',
    [day],
  )
  return rows[0]?.closed === true
}

const deleteDeadLetters = 'DELETE FROM throughline.dead_letter WHERE parked_at < $1'

// An instance that still sends keeps all its runs: without the first of them, its beginning would look like a gap.
const deleteInstances = `WITH quiet AS (
    SELECT instance FROM throughline.delivered GROUP BY instance HAVING max(recorded_at) < $1
  ), runs AS (
    DELETE FROM throughline.delivered AS d USING quiet WHERE d.instance = quiet.instance RETURNING d.instance
  ), told AS (
    DELETE FROM throughline.instances AS i WHERE coalesce(i.stopped_at, i.started_at) < $1
      AND (i.instance IN (SELECT instance FROM quiet)
        OR NOT EXISTS (SELECT FROM throughline.delivered AS d WHERE d.instance = i.instance))
    RETURNING i.instance
  )
  SELECT count(*)::int4 AS n FROM (SELECT instance FROM runs UNION SELECT instance FROM told) AS gone`

const count = async (client: pg.Client, sql: string, before: Date): Promise<number> => {
  const result = await client.query<{ n: number }>(sql, [before])
  return result.rows[0]?.n ?? result.rowCount ?? 0
}

/**
 * Joins the rows of `throughline.delivered` that touch, and answers how many rows that saved. Several recorders may
 * call it at once, while writers write.
 */
export const mergeDelivered = async (pool: Pool): Promise<number> => {
  const { rows } = await pool.query<{ saved: string }>('SELECT throughline.merge_delivered() AS saved')
  return Number(rows[0]?.saved ?? 0)
}
