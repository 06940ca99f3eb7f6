import { canBe, checkColumns, isCheck, jobQueue, length } from '../rollups/sql/job-cells.js'
import { checkHours, maxChecks, maxHosts, maxQueues } from './jobs-limits.js'
import type { Parameters } from './operation-filter.js'

/** A check that failed, or a batch check, may say less than the one before it. */
const latest = (column: string): string =>
  `(array_agg(${column} ORDER BY at DESC) FILTER (WHERE ${column} IS NOT NULL))[1]`

/** What the last status checks said: of each process that makes them, and of each queue. Needs `row_range` and `dirty_minute`. */
export const checksSql = (
  at: { from: string; until: string; first: string; last: string },
  queue: string | undefined,
  { add }: Parameters,
): string => {
  const since = `greatest(${at.from}, least(${at.until}, now()) - interval '${checkHours} hours')`
  const ofRows = queue === undefined ? 'true' : `${jobQueue} = ${add(queue)}::text`
  const ofKept = queue === undefined ? 'true' : `queue = ${add(queue)}::text`
  const columns =
    'begun, duration_us, success, instance, queue, host, error, state, jobs, usage, capacity, running, peak'
  return `looked AS MATERIALIZED (
  SELECT *, begun + ${length} * interval '1 microsecond' AS at FROM (
    (SELECT ${columns} FROM throughline.rollup_job_checks
    WHERE begun >= ${since} AND begun < ${at.until} AND start >= ${at.first} AND start < ${at.last}
      AND start NOT IN (SELECT start FROM dirty_minute) AND ${ofKept}
    ORDER BY begun DESC LIMIT ${maxChecks})
    UNION ALL
    SELECT o.* FROM row_range AS r CROSS JOIN LATERAL (
      SELECT ${checkColumns} FROM throughline.operations
      WHERE started_at >= r.lo AND started_at < r.hi AND started_at >= ${since} AND started_at < ${at.until} AND ${isCheck} AND ${ofRows}
      ORDER BY started_at DESC LIMIT ${maxChecks}
    ) AS o
  ) AS one ORDER BY begun DESC LIMIT ${maxChecks}
), checked AS (
  SELECT queue, count(*) AS n, count(*) FILTER (WHERE NOT success) AS failed, avg(duration_us)::float8 AS average_us,
    sum(jobs::float8) FILTER (WHERE jobs ${canBe}) AS jobs, (sum(duration_us) FILTER (WHERE jobs ${canBe}))::float8 AS jobs_us
  FROM looked GROUP BY 1 ORDER BY 2 DESC, queue COLLATE "C" LIMIT ${maxQueues}
), hosts AS (
  SELECT queue, host, instance, max(at) AS at, (array_agg(at ORDER BY at DESC))[2] AS before, count(*) AS checks,
    count(*) FILTER (WHERE NOT success) AS failures, ${latest('capacity')} AS capacity, ${latest('running')} AS running,
    ${latest('usage')} AS usage, max(peak::float8) FILTER (WHERE peak ${canBe}) AS peak, (array_agg(success ORDER BY at DESC))[1] AS success,
    (array_agg(error ORDER BY at DESC))[1] AS error
  FROM looked GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3 LIMIT ${maxHosts + 1}
), states AS (
  SELECT * FROM (
    SELECT DISTINCT ON (queue) queue, at, state FROM looked WHERE jsonb_typeof(state) = 'object' ORDER BY queue, at DESC
  ) AS one ORDER BY at DESC LIMIT ${maxQueues}
)`
}
