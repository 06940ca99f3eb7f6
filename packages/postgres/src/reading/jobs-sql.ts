import { dirtyMinutes } from '../rollups/sql/cover.js'
import {
  isJob,
  jobCells,
  jobColumns,
  jobQueue,
  jobSpans,
  jobTally,
  jobType,
  length,
} from '../rollups/sql/job-cells.js'
import { checksSql } from './jobs-checks-sql.js'
import { maxErrors, maxQueues, maxRows, reachHours } from './jobs-limits.js'
import type { JobsWindow } from './jobs-window.js'
import type { Parameters } from './operation-filter.js'

const origin = `'2000-01-01 00:00:00+00'::timestamptz`

/** The jobs that were asked for, as a condition on rows of operations. */
const ofRows = ({ queue, type }: JobsWindow, { add }: Parameters): string =>
  [
    isJob,
    ...(queue === undefined ? [] : [`${jobQueue} = ${add(queue)}::text`]),
    ...(type === undefined ? [] : [`${jobType} = ${add(type)}::text`]),
  ].join(' AND ')

/** The same on what has `queue` and `type`. */
export const ofSums = ({ queue, type }: JobsWindow, { add }: Parameters): string =>
  [
    ...(queue === undefined ? [] : [`queue = ${add(queue)}::text`]),
    ...(type === undefined ? [] : [`type = ${add(type)}::text`]),
  ].join(' AND ') || 'true'

/**
 * The beginning of a read: `row_range` is what has to be read from rows (what is marked, and the edges that are no
 * whole minute), `dirty_minute` is to be left out of what is kept by the minute.
 */
const cover = (at: Times): string => `
mark AS MATERIALIZED (
  SELECT DISTINCT level, start FROM throughline.rollup_marks
  WHERE level IN ('m', 'h') AND start >= throughline.hour_of(${at.from}) - interval '${reachHours} hours' AND start < ${at.until}
    AND (level <> 'm' OR start >= (SELECT floor FROM throughline.rollup_floor))
), ${dirtyMinutes('dirty_range')}, row_range AS MATERIALIZED (
  SELECT greatest(lo, ${at.first}) AS lo, least(hi, ${at.last}) AS hi FROM dirty_range WHERE hi > ${at.first} AND lo < ${at.last}
  UNION ALL SELECT ${at.from}, ${at.first} WHERE ${at.from} < ${at.first}
  UNION ALL SELECT ${at.last}, ${at.until} WHERE ${at.last} < ${at.until}
)`

type Times = { from: string; until: string; first: string; last: string }

/** The newest rows, and since when they are all of them. */
const rows = (at: Times, condition: string): string => `
seen AS MATERIALIZED (
  SELECT o.* FROM row_range AS r CROSS JOIN LATERAL (
    SELECT ${jobColumns} FROM throughline.operations
    WHERE started_at >= r.lo AND started_at < r.hi AND started_at >= ${at.from} AND started_at < ${at.until} AND ${condition}
    ORDER BY started_at DESC LIMIT ${maxRows + 1}
  ) AS o ORDER BY o.started_at DESC LIMIT ${maxRows + 1}
), kept AS MATERIALIZED (
  SELECT count(*) > ${maxRows} AS cut, CASE WHEN count(*) > ${maxRows} THEN min(started_at) + interval '1 microsecond' ELSE ${at.from} END AS since FROM seen
)`

/** What is kept of whole hours, and of whole minutes where the hour is not kept; `summed` has both. */
const sums = (at: Times, condition: string): string => `
clean_hour AS MATERIALIZED (
  SELECT start FROM generate_series(throughline.hour_of(${at.first} + interval '1 hour' - interval '1 microsecond'),
    ${at.last} - interval '1 hour', interval '1 hour') AS start
  WHERE start >= (SELECT since FROM kept) AND start NOT IN (SELECT throughline.hour_of(start) FROM mark)
), open_hour AS MATERIALIZED (
  SELECT start FROM generate_series(throughline.hour_of(${at.first}), ${at.last} - interval '1 microsecond', interval '1 hour') AS start
  WHERE start NOT IN (SELECT start FROM clean_hour)
), summed AS MATERIALIZED (
  SELECT r.* FROM clean_hour AS h CROSS JOIN LATERAL (
    SELECT * FROM throughline.rollup_jobs WHERE level = 'h' AND start = h.start AND ${condition} OFFSET 0
  ) AS r
  UNION ALL
  SELECT r.* FROM open_hour AS h CROSS JOIN LATERAL (
    SELECT * FROM throughline.rollup_jobs WHERE level = 'm' AND start >= h.start AND start < h.start + interval '1 hour'
      AND start >= ${at.first} AND start < ${at.last} AND ${condition}
    OFFSET 0
  ) AS r WHERE r.start >= (SELECT since FROM kept) AND r.start NOT IN (SELECT start FROM dirty_minute)
)`

/** Queues and types get numbers, those with the most jobs; the jobs of the others are in the sums above them. */
const names = (types: number): string => `
name AS MATERIALIZED (
  SELECT queue, type, sum(n) AS n FROM (
    SELECT queue, type, count(*) AS n FROM seen WHERE started_at >= (SELECT since FROM kept) GROUP BY 1, 2
    UNION ALL SELECT queue, type, sum(count) FROM summed GROUP BY 1, 2
  ) AS one GROUP BY 1, 2
), kept_queue AS MATERIALIZED (
  SELECT queue, row_number() OVER (ORDER BY n DESC, queue COLLATE "C")::int4 AS q
  FROM (SELECT queue, sum(n) AS n FROM name GROUP BY 1 ORDER BY 2 DESC, queue COLLATE "C" LIMIT ${maxQueues}) AS one
), kept_type AS MATERIALIZED (
  SELECT queue, type, q, row_number() OVER (ORDER BY n DESC, q, type COLLATE "C")::int4 AS t
  FROM (SELECT queue, type, q, n FROM name JOIN kept_queue USING (queue) ORDER BY n DESC, q, type COLLATE "C" LIMIT ${types}) AS one
), job AS MATERIALIZED (
  SELECT q.q, t.t, s.* FROM seen AS s LEFT JOIN kept_queue AS q USING (queue) LEFT JOIN kept_type AS t USING (queue, type)
  WHERE s.started_at >= (SELECT since FROM kept)
), part AS MATERIALIZED (
  SELECT q.q, t.t, s.* FROM summed AS s LEFT JOIN kept_queue AS q USING (queue) LEFT JOIN kept_type AS t USING (queue, type)
)`

/** From rows and from sums alike. */
const figures = `
tally AS (
  SELECT q, t, sum(count) AS n, sum(completed) AS completed, sum(failed) AS failed, sum(cancelled) AS cancelled, sum(retried) AS retried
  FROM (
    SELECT q, t, ${jobTally} FROM job GROUP BY 1, 2
    UNION ALL SELECT q, t, count, completed, failed, cancelled, retried FROM part
  ) AS one GROUP BY 1, 2
), row_cell AS MATERIALIZED (${jobCells('q, t')}
), cell AS (
  SELECT q, t, measure, bucket, sum(n) AS n FROM (
    SELECT q, t, measure, bucket, n FROM row_cell
    UNION ALL SELECT q, t, unnest(measures), unnest(buckets), unnest(counts) FROM part
  ) AS one GROUP BY 1, 2, 3, 4
), extent AS (
  SELECT q, t, measure, sum(sum_us) AS sum_us, min(least_us) AS least_us, max(most_us) AS most_us FROM (
    SELECT q, t, measure, sum_us, least_us, most_us FROM row_cell
    UNION ALL SELECT q, t, unnest(measured), unnest(sums_us), unnest(least_us), unnest(most_us) FROM part
  ) AS one GROUP BY 1, 2, 3
), failure AS MATERIALIZED (
  SELECT q, t, error, count(*) AS n FROM job WHERE status = 'failed' GROUP BY 1, 2, 3
  UNION ALL SELECT q, t, unnest(error_types), unnest(error_counts) FROM part
), kept_error AS MATERIALIZED (
  SELECT error FROM failure GROUP BY 1 ORDER BY sum(n) DESC, error COLLATE "C" LIMIT ${maxErrors}
), error AS (
  SELECT f.q, f.t, k.error, sum(f.n) AS n FROM failure AS f LEFT JOIN kept_error AS k USING (error) GROUP BY 1, 2, 3
)`

const hourMs = 3_600_000

/** An hour that is kept as a whole cannot be cut into steps. */
const steps = (at: Times, condition: string, stepMs: number): string => `
step_part AS (${
  stepMs % hourMs === 0
    ? 'SELECT start, count, completed, failed, duration_us, launches, launch_us FROM summed'
    : `
  SELECT start, count, completed, failed, duration_us, launches, launch_us FROM throughline.rollup_jobs
  WHERE level = 'm' AND start >= ${at.first} AND start < ${at.last} AND start >= (SELECT since FROM kept)
    AND start NOT IN (SELECT start FROM dirty_minute) AND ${condition}`
}
), step AS (
  SELECT date_bin(${Math.floor(stepMs)} * interval '1 millisecond', start, ${origin}) AS start, sum(count) AS n, sum(completed) AS completed,
    sum(failed) AS failed, sum(duration_us) / sum(count)::float8 AS average_us, sum(launch_us) / nullif(sum(launches), 0)::float8 AS launch_us
  FROM (
    SELECT started_at AS start, 1 AS count, (status = 'completed')::int AS completed, (status = 'failed')::int AS failed,
      duration_us::float8 AS duration_us, (launch_us IS NOT NULL)::int AS launches, launch_us
    FROM job
    UNION ALL SELECT * FROM step_part
  ) AS one GROUP BY 1 ORDER BY 1
)`

/** When the jobs ran that are read from rows, by the minute; and of those that began before the window, which reached into it. */
const spans = (at: Times, condition: string): string => `
earlier AS (
  SELECT o.* FROM dirty_range AS r CROSS JOIN LATERAL (
    SELECT ${jobColumns} FROM throughline.operations
    WHERE started_at >= r.lo AND started_at < r.hi AND started_at < ${at.from}
      AND started_at >= throughline.hour_of(${at.from}) - interval '${reachHours} hours'
      AND started_at + ${length} * interval '1 microsecond' > ${at.from} AND ${condition}
    OFFSET 0
  ) AS o WHERE NOT (SELECT cut FROM kept)
), span AS (
  SELECT queue, type, throughline.minute_of(started_at) AS start, encode(${jobSpans('throughline.minute_of(started_at)')}, 'base64') AS spans
  FROM (SELECT queue, type, started_at, length FROM job UNION ALL SELECT queue, type, started_at, length FROM earlier) AS one
  GROUP BY 1, 2, 3
)`

/**
 * Everything about the jobs of a window but what is kept of when they ran, in one statement, so in one snapshot: from
 * sums, and from rows where there are none yet. Answers with one row of JSON columns.
 */
export const jobsStatement = (window: JobsWindow, parameters: Parameters): string => {
  const { add } = parameters
  const time = (at: Date): string => `${add(at.toISOString())}::timestamptz`
  const at = {
    from: time(window.from),
    until: time(window.until),
    first: time(window.first),
    last: time(window.last),
  }
  const condition = { rows: ofRows(window, parameters), sums: ofSums(window, parameters) }
  const parts = [
    cover(at),
    rows(at, condition.rows),
    sums(at, condition.sums),
    names(window.types),
    figures,
    steps(at, condition.sums, window.stepMs),
    spans(at, condition.rows),
    checksSql(at, window.queue, parameters),
  ]
  return `WITH ${parts.join(', ')}
SELECT (SELECT count(*) FROM looked) AS checks, (SELECT cut FROM kept) AS cut, (SELECT since FROM kept) AS since,
  (SELECT count(*) FROM name) AS types, (SELECT count(DISTINCT queue) FROM name) AS queues,
  ${list('kept_queue', 'q, queue')}, ${list('kept_type', 't, q, type')},
  ${list('tally', 'q, t, n, completed, failed, cancelled, retried')},
  ${list('cell', 'q, t, measure, bucket, n')}, ${list('extent', 'q, t, measure, sum_us, least_us, most_us')},
  ${list('error', 'q, t, error, n')}, ${list('span', 'queue, type, start, spans')},
  ${list('step', 'start, n, completed, failed, average_us, launch_us')}, ${list('checked', 'queue, n, failed, average_us, jobs, jobs_us')}, ${list('hosts')}, ${list('states')}`
}

const list = (relation: string, columns?: string): string =>
  `(SELECT coalesce(json_agg(${columns === undefined ? relation : `json_build_array(${columns})`}), '[]') FROM ${relation}) AS ${relation}`
