import type { PoolClient } from 'pg'
import { maxErrorTypes } from '../levels.js'
import {
  checkColumns,
  isCheck,
  isJob,
  jobCells,
  jobColumns,
  jobReach,
  jobSpans,
  jobTally,
} from './job-cells.js'

// $1 the minutes, $2 and $3 the day they lie in. OFFSET 0 keeps it at one index scan for each minute.
const rowsOf = (columns: string, condition: string): string => `
  SELECT minute AS start, o.* FROM unnest($1::timestamptz[]) AS minute CROSS JOIN LATERAL (
    SELECT ${columns} FROM throughline.operations
    WHERE started_at >= minute AND started_at < minute + interval '1 minute' AND started_at >= $2::timestamptz AND started_at < $3::timestamptz
      AND ${condition}
    OFFSET 0
  ) AS o`

const target = `throughline.rollup_jobs (level, start, key, queue, type, count, completed, failed, cancelled, retried,
  launches, duration_us, launch_us, error_types, error_counts, measures, buckets, counts, measured, sums_us, least_us, most_us)`

/** The histograms of what has `names`, measure, bucket and n. */
const histograms = (names: string, one: string): string => `cell AS (
  SELECT ${names}, array_agg(measure ORDER BY measure, bucket) AS measures, array_agg(bucket ORDER BY measure, bucket) AS buckets,
    array_agg(n::int4 ORDER BY measure, bucket) AS counts
  FROM ${one} GROUP BY ${names}
)`

const extents = (names: string, one: string): string => `extent AS (
  SELECT ${names}, array_agg(measure ORDER BY measure) AS measured, array_agg(sum_us ORDER BY measure) AS sums_us,
    array_agg(least_us ORDER BY measure) AS least_us, array_agg(most_us ORDER BY measure) AS most_us
  FROM (
    SELECT ${names}, measure, sum(sum_us) AS sum_us, min(least_us) AS least_us, max(most_us) AS most_us FROM ${one} GROUP BY ${names}, measure
  ) AS of_measure GROUP BY ${names}
)`

/** The most frequent types of errors of `failure`, which has `names`, error and n. */
const errorsOf = (names: string): string => `
  SELECT ${names}, array_agg(error ORDER BY place) AS types, array_agg(n ORDER BY place) AS ns FROM (
    SELECT *, row_number() OVER (PARTITION BY ${names} ORDER BY n DESC, error COLLATE "C") AS place FROM failure
  ) AS placed WHERE place <= ${maxErrorTypes} GROUP BY ${names}`

const rest = `coalesce(types, '{}'), coalesce(ns, '{}'), measures, buckets, counts, measured, sums_us, least_us, most_us`

// One pass over the rows of the jobs.
const minutes = `
WITH job AS MATERIALIZED (${rowsOf(jobColumns, isJob)}
), total AS (
  SELECT start, queue, type, ${jobTally}, count(launch_us) AS launches, sum(duration_us::float8) AS duration_us,
    coalesce(sum(launch_us), 0) AS launch_us
  FROM job GROUP BY 1, 2, 3
), failure AS (
  SELECT start, queue, type, error, count(*) AS n FROM job WHERE status = 'failed' GROUP BY 1, 2, 3, 4
), error AS (${errorsOf('start, queue, type')}
), one AS MATERIALIZED (${jobCells('start, queue, type')}
), ${histograms('start, queue, type', 'one')}, ${extents('start, queue, type', 'one')}, spans AS (
  INSERT INTO throughline.rollup_job_spans (start, key, reach, queue, type, spans)
  SELECT start, md5(ROW(queue, type)::text)::uuid, ${jobReach}, queue, type, ${jobSpans('start')} FROM job GROUP BY start, queue, type
)
INSERT INTO ${target}
SELECT 'm', start, md5(ROW(queue, type)::text)::uuid, queue, type, count, completed, failed, cancelled, retried, launches, duration_us,
  launch_us, ${rest}
FROM total JOIN cell USING (start, queue, type) JOIN extent USING (start, queue, type) LEFT JOIN error USING (start, queue, type)`

const checks = `
INSERT INTO throughline.rollup_job_checks (start, begun, duration_us, success, instance, queue, host, error, state, jobs, usage, capacity, running, peak)
${rowsOf(checkColumns, isCheck)}`

const hours = `
WITH part AS MATERIALIZED (
  SELECT parent.start AS parent, r.* FROM unnest($1::timestamptz[]) AS parent(start)
  JOIN throughline.rollup_jobs AS r ON r.level = 'm' AND r.start >= parent.start AND r.start < parent.start + interval '1 hour'
), total AS (
  SELECT parent, key, min(queue COLLATE "C") AS queue, min(type COLLATE "C") AS type, sum(count)::int8 AS count,
    sum(completed)::int8 AS completed, sum(failed)::int8 AS failed, sum(cancelled)::int8 AS cancelled, sum(retried)::int8 AS retried,
    sum(launches)::int8 AS launches, sum(duration_us) AS duration_us, sum(launch_us) AS launch_us
  FROM part GROUP BY 1, 2
), failure AS (
  SELECT parent, key, error, sum(n)::int8 AS n
  FROM (SELECT parent, key, unnest(error_types) AS error, unnest(error_counts) AS n FROM part) AS u GROUP BY 1, 2, 3
), error AS (${errorsOf('parent, key')}
), cells AS (
  SELECT parent, key, measure, bucket, sum(n) AS n
  FROM (SELECT parent, key, unnest(measures) AS measure, unnest(buckets) AS bucket, unnest(counts) AS n FROM part) AS u GROUP BY 1, 2, 3, 4
), spread AS (
  SELECT parent, key, unnest(measured) AS measure, unnest(sums_us) AS sum_us, unnest(least_us) AS least_us, unnest(most_us) AS most_us FROM part
), ${histograms('parent, key', 'cells')}, ${extents('parent, key', 'spread')}
INSERT INTO ${target}
SELECT 'h', parent, key, queue, type, count, completed, failed, cancelled, retried, launches, duration_us, launch_us, ${rest}
FROM total JOIN cell USING (parent, key) JOIN extent USING (parent, key) LEFT JOIN error USING (parent, key)`

const clear = [
  `DELETE FROM throughline.rollup_jobs WHERE level = 'm' AND start = ANY($1::timestamptz[])`,
  'DELETE FROM throughline.rollup_job_spans WHERE start = ANY($1::timestamptz[])',
  'DELETE FROM throughline.rollup_job_checks WHERE start = ANY($1::timestamptz[])',
]

/** Sums the jobs of the minutes up from their rows, in place of what was there, and keeps what their checks said. */
export const sumJobMinutes = async (
  client: PoolClient,
  starts: readonly string[],
  day: { from: string; until: string },
): Promise<void> => {
  for (const statement of clear) await client.query(statement, [starts])
  await client.query(minutes, [starts, day.from, day.until])
  await client.query(checks, [starts, day.from, day.until])
}

/** Sums the jobs of the hours up from their minutes. */
export const sumJobHours = async (client: PoolClient, starts: readonly string[]): Promise<void> => {
  await client.query(
    `DELETE FROM throughline.rollup_jobs WHERE level = 'h' AND start = ANY($1::timestamptz[])`,
    [starts],
  )
  await client.query(hours, [starts])
}
