import type { Parameters } from './operation-filter.js'

export type JobsQuery = {
  from: Date
  /** Not included. */
  until: Date
  queue?: string | undefined
  type?: string | undefined
  /** Types that get figures of their own, those with the most jobs. */
  types: number
  stepMs: number
}

/** Jobs of one answer at most, the newest: some three seconds of one processor. */
export const maxRows = 100_000
/** Status checks are the present: the newest ones, of the last day of the window. */
export const maxChecks = 20_000
const checkHours = 24
export const maxQueues = 50
export const maxHosts = 100
/** Types of errors that are told apart over all queues. */
const maxErrors = 100

/** In the order of a job's life. */
export const jobPhases = [
  'queued',
  'pulling',
  'creating',
  'starting',
  'running',
  'collecting',
  'removing',
] as const

/** 30 years: a longer one is a mistake, and would lead beyond what a timestamp holds. */
const length = 'least(duration_us, 1000000000000000)'
const origin = `'2000-01-01 00:00:00+00'::timestamptz`
const phaseKeys = jobPhases.map((phase) => `'${phase}_ms'`).join(', ')

/** A number that can be milliseconds, up to 30 years. In the order of jsonb all else is below or above every number. */
const canBe = `BETWEEN '0'::jsonb AND '1000000000000'::jsonb`

/** `throughline.duration_bucket` in place: it is STRICT with a CASE, which Postgres does not inline: a call costs more than all else here. */
const bucketOf = (us: string): string =>
  `CASE WHEN ${us} >= 1 THEN (ceil(ln(${us}) * 46.16624130844683) - 1)::int2 ELSE -32768 END`

/** Whatever somebody else wrote there is a text, and no longer than a name may be. */
const nameOf = (key: string): string => `left(coalesce(metadata ->> '${key}', ''), 512)`

/** Whether jobs that began before the window may reach into it is looked up in the sums of so many hours. */
const reachHours = 24

// A type of jobs may be called status_check, too.
const isCheck = `operation = 'status_check' AND metadata ? 'job.queue' AND NOT metadata ? 'job.type'`

const jobCondition = ({ queue, type }: JobsQuery, { add }: Parameters): string =>
  [
    `metadata ? 'job.queue' AND metadata ? 'job.type'`,
    ...(queue === undefined ? [] : [`metadata ->> 'job.queue' = ${add(queue)}::text`]),
    ...(type === undefined ? [] : [`metadata ->> 'job.type' = ${add(type)}::text`]),
  ].join(' AND ')

/**
 * Everything about the jobs of a window in one statement, so in one snapshot and one walk over its rows. Answers with
 * one row of JSON columns. Queues and types have numbers in them; those beyond the
 * limits have none: their jobs are in the sums above them.
 */
export const jobsStatement = (query: JobsQuery, parameters: Parameters): string => {
  const { add } = parameters
  const from = `${add(query.from.toISOString())}::timestamptz`
  const until = `${add(query.until.toISOString())}::timestamptz`
  const condition = jobCondition(query, parameters)
  const ofQueue = query.queue === undefined ? 'true' : `metadata ->> 'job.queue' = ${add(query.queue)}::text`
  return `WITH seen AS MATERIALIZED (
  SELECT started_at, duration_us, success, coalesce(error_type, '') AS error,
    ${nameOf('job.queue')} AS queue, ${nameOf('job.type')} AS type, metadata ->> 'job.status' AS status,
    metadata -> 'job.attempt' AS attempt, metadata -> 'job.launch.latency_ms' AS launch, metadata -> 'job.phases' AS phases
  FROM throughline.operations
  WHERE started_at >= ${from} AND started_at < ${until} AND ${condition}
  ORDER BY started_at DESC LIMIT ${maxRows + 1}
), kept AS MATERIALIZED (
  SELECT count(*) > ${maxRows} AS cut, CASE WHEN count(*) > ${maxRows} THEN min(started_at) + interval '1 microsecond' ELSE ${from} END AS since FROM seen
), name AS MATERIALIZED (
  SELECT queue, type, count(*) AS n FROM seen GROUP BY 1, 2
), kept_queue AS MATERIALIZED (
  SELECT queue, row_number() OVER (ORDER BY n DESC, queue COLLATE "C")::int4 AS q
  FROM (SELECT queue, sum(n) AS n FROM name GROUP BY 1 ORDER BY 2 DESC, queue COLLATE "C" LIMIT ${maxQueues}) AS one
), kept_type AS MATERIALIZED (
  SELECT queue, type, q, row_number() OVER (ORDER BY n DESC, q, type COLLATE "C")::int4 AS t
  FROM (SELECT queue, type, q, n FROM name JOIN kept_queue USING (queue) ORDER BY n DESC, q, type COLLATE "C" LIMIT ${query.types}) AS one
), job AS MATERIALIZED (
  SELECT q.q, t.t, s.started_at, s.duration_us, s.error, s.attempt, s.launch, s.phases,
    CASE WHEN s.status IN ('completed', 'failed', 'cancelled') THEN s.status WHEN s.success THEN 'completed' ELSE 'failed' END AS status
  FROM seen AS s LEFT JOIN kept_queue AS q USING (queue) LEFT JOIN kept_type AS t USING (queue, type)
  WHERE s.started_at >= (SELECT since FROM kept)
), tally AS (
  SELECT q, t, count(*) AS n, count(*) FILTER (WHERE status = 'completed') AS completed,
    count(*) FILTER (WHERE status = 'failed') AS failed, count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
    count(*) FILTER (WHERE jsonb_typeof(attempt) = 'number' AND attempt > '1'::jsonb) AS retried
  FROM job GROUP BY 1, 2
), measured AS (
  SELECT q, t, measure, us FROM (
    SELECT q, t, 0 AS measure, duration_us::float8 AS us FROM job
    UNION ALL SELECT q, t, 1, launch::float8 * 1000 FROM job WHERE launch ${canBe}
    UNION ALL SELECT q, t, 1 + array_position(ARRAY[${phaseKeys}], p.key), p.value::float8 * 1000
    FROM job CROSS JOIN LATERAL jsonb_each(CASE WHEN jsonb_typeof(phases) = 'object' THEN phases ELSE '{}' END) AS p
    WHERE p.key IN (${phaseKeys}) AND p.value ${canBe}
    OFFSET 0
  ) AS every
), cell AS (
  SELECT q, t, measure, ${bucketOf('us')} AS bucket, count(*) AS n, sum(us) AS sum_us, min(us) AS min_us, max(us) AS max_us
  FROM measured GROUP BY 1, 2, 3, 4
), kept_error AS MATERIALIZED (
  SELECT error FROM job WHERE status = 'failed' GROUP BY 1 ORDER BY count(*) DESC, error COLLATE "C" LIMIT ${maxErrors}
), error AS (
  SELECT j.q, j.t, k.error, count(*) AS n FROM job AS j LEFT JOIN kept_error AS k USING (error) WHERE j.status = 'failed' GROUP BY 1, 2, 3
), step AS (
  SELECT date_bin(${Math.floor(query.stepMs)} * interval '1 millisecond', started_at, ${origin}) AS start, count(*) AS n,
    count(*) FILTER (WHERE status = 'completed') AS completed, count(*) FILTER (WHERE status = 'failed') AS failed,
    avg(duration_us)::float8 AS average_us, avg(launch::float8 * 1000) FILTER (WHERE launch ${canBe}) AS launch_us
  FROM job GROUP BY 1 ORDER BY 1
), ${sweep(from, until, condition)}, ${checks(from, until, ofQueue)}
SELECT (SELECT count(*) FROM seen) AS rows, (SELECT count(*) FROM looked) AS checks, (SELECT cut FROM kept) AS cut, (SELECT since FROM kept) AS since,
  (SELECT count(*) FROM name) AS types, (SELECT count(DISTINCT queue) FROM name) AS queues,
  ${list('kept_queue', 'q, queue')}, ${list('kept_type', 't, q, type')},
  ${list('tally', 'q, t, n, completed, failed, cancelled, retried')},
  ${list('cell', 'q, t, measure, bucket, n, sum_us, min_us, max_us')},
  ${list('error', 'q, t, error, n')}, ${list('peak', 'level, nr, top')},
  ${list('step', 'start, n, completed, failed, average_us, launch_us')}, ${list('checked', 'queue, n, failed, average_us, jobs, jobs_us')}, ${list('hosts')}, ${list('states')}`
}

const list = (relation: string, columns?: string): string =>
  `(SELECT coalesce(json_agg(${columns === undefined ? relation : `json_build_array(${columns})`}), '[]') FROM ${relation}) AS ${relation}`

/** A number and the first moment of it in one int8: 42 bits are 50 days in microseconds, and there is room for 2 million jobs. */
export const peakBits = 42n
const lastMoment = 2n ** peakBits - 1n

/**
 * How many jobs ran at once, exactly: +1 at each start, -1 at each end, in the order of time; at one moment ends come
 * first. A job of no length counts for a microsecond.
 *
 * Jobs that began before the window and ended in it run in it, too: of the hours before it those are read in which,
 * by the sums, an operation began that took long enough; or of which there are no sums yet.
 */
const sweep = (from: string, until: string, condition: string): string => {
  const moment = (time: string): string => `(extract(epoch FROM ${time} - ${from}) * 1000000)::int8`
  const running = (partition: string): string =>
    `sum(d) OVER (${partition} ORDER BY moment, d ROWS UNBOUNDED PRECEDING)`
  const top = (column: string): string => `max((${column} << ${peakBits}) + ${lastMoment} - moment)`
  return `earlier_hour AS MATERIALIZED (
  SELECT hour FROM generate_series(throughline.hour_of(${from}) - interval '${reachHours} hours', throughline.hour_of(${from}), interval '1 hour') AS hour
  WHERE NOT (SELECT cut FROM kept) AND (
    EXISTS (SELECT FROM throughline.rollup_marks AS m WHERE m.level IN ('m', 'h') AND m.start >= hour AND m.start < hour + interval '1 hour')
    OR EXISTS (
      SELECT FROM throughline.rollup_operations AS r WHERE r.level = 'h' AND r.grain = 'a' AND r.start = hour
        AND hour + interval '1 hour' + least(r.max_us, 1000000000000000) * interval '1 microsecond' > ${from}))
), earlier AS (
  SELECT o.* FROM earlier_hour AS e CROSS JOIN LATERAL (
    SELECT started_at, duration_us, ${nameOf('job.queue')} AS queue, ${nameOf('job.type')} AS type FROM throughline.operations
    WHERE started_at >= e.hour AND started_at < e.hour + interval '1 hour' AND started_at < ${from}
      AND started_at >= ${from} - interval '${reachHours + 1} hours'
      AND started_at + ${length} * interval '1 microsecond' > ${from} AND ${condition}
    OFFSET 0
  ) AS o
), span AS (
  SELECT q, t, ${moment('started_at')} AS first, ${moment('started_at')} + greatest(${length}, 1) AS last FROM job
  UNION ALL
  SELECT q.q, t.t, 0, ${moment('e.started_at')} + ${length}
  FROM earlier AS e LEFT JOIN kept_queue AS q USING (queue) LEFT JOIN kept_type AS t USING (queue, type)
), event AS (
  SELECT q, t, first AS moment, 1 AS d FROM span UNION ALL SELECT q, t, last, -1 FROM span WHERE last < ${moment(until)}
), running AS (
  SELECT q, t, moment, ${running('PARTITION BY t')} AS of_type, ${running('PARTITION BY q')} AS of_queue, ${running('')} AS of_all
  FROM event
), peak AS (
  SELECT 'type' AS level, t AS nr, ${top('of_type')}::text AS top FROM running WHERE t IS NOT NULL GROUP BY 2
  UNION ALL SELECT 'queue', q, ${top('of_queue')}::text FROM running WHERE q IS NOT NULL GROUP BY 2
  UNION ALL SELECT 'all', NULL, ${top('of_all')}::text FROM running HAVING count(*) > 0
)`
}

/** A check that failed, or a batch check, may say less than the one before it. */
const latest = (column: string): string =>
  `(array_agg(${column} ORDER BY at DESC) FILTER (WHERE ${column} IS NOT NULL))[1]`

/** What the last status checks said: of each process that makes them, and of each queue. */
const checks = (from: string, until: string, condition: string): string => `looked AS MATERIALIZED (
  SELECT ${nameOf('job.queue')} AS queue, left(metadata ->> 'host.name', 512) AS host, instance,
    started_at + ${length} * interval '1 microsecond' AS at, duration_us, success, error_type AS error,
    metadata -> 'job.state' AS state, metadata -> 'job.status_check.jobs' AS jobs,
    metadata -> 'host' AS usage, metadata -> 'job.capacity' AS capacity, metadata -> 'job.running_here' AS running,
    metadata -> 'job.concurrent.peak' AS peak
  FROM throughline.operations
  WHERE started_at >= greatest(${from}, least(${until}, now()) - interval '${checkHours} hours') AND started_at < ${until}
    AND ${isCheck} AND ${condition}
  ORDER BY started_at DESC LIMIT ${maxChecks}
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
