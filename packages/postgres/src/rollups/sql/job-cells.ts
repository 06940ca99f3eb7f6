/*
 * What is read of the rows of jobs and of status checks. The worker and the readers share these texts, so that a minute
 * gives the same figures from its rows and from its sums.
 */

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
const longestUs = 1_000_000_000_000_000
const phaseKeys = jobPhases.map((phase) => `'${phase}_ms'`).join(', ')

/** A number that can be milliseconds, up to 30 years. In the order of jsonb all else is below or above every number. */
export const canBe = `BETWEEN '0'::jsonb AND '1000000000000'::jsonb`

/** `throughline.duration_bucket` in place, of a float8. */
const bucketOf = (us: string): string =>
  `CASE WHEN ${us} >= 1 THEN (ceil(ln(${us}) * 46.16624130844683) - 1)::int2 ELSE -32768 END`

/** Whatever somebody else wrote there is a text, and no longer than a name may be. */
const nameOf = (key: string): string => `left(coalesce(metadata ->> '${key}', ''), 512)`

export const jobQueue = `metadata ->> 'job.queue'`
export const jobType = `metadata ->> 'job.type'`
export const isJob = `metadata ? 'job.queue' AND metadata ? 'job.type'`
// A type of jobs may be called status_check, too.
export const isCheck = `operation = 'status_check' AND metadata ? 'job.queue' AND NOT metadata ? 'job.type'`

/** How long an operation took, in microseconds. */
export const length = `least(duration_us, ${longestUs})`
/** How long a job was there: one of no length for a microsecond. */
const spanLength = `greatest(${length}, 1)`

/** Of a row that is a job. A row without an outcome of its own is what its operation was. */
export const jobColumns = `started_at, duration_us, ${spanLength} AS length, ${nameOf('job.queue')} AS queue, ${nameOf('job.type')} AS type,
  CASE WHEN metadata ->> 'job.status' IN ('completed', 'failed', 'cancelled') THEN metadata ->> 'job.status'
    WHEN success THEN 'completed' ELSE 'failed' END AS status,
  coalesce(error_type, '') AS error,
  coalesce(jsonb_typeof(metadata -> 'job.attempt') = 'number' AND metadata -> 'job.attempt' > '1'::jsonb, false) AS retried,
  CASE WHEN metadata -> 'job.launch.latency_ms' ${canBe} THEN (metadata -> 'job.launch.latency_ms')::float8 * 1000 END AS launch_us,
  metadata -> 'job.phases' AS phases`

/** Of a row that is a status check. */
export const checkColumns = `started_at AS begun, duration_us, success, instance, ${nameOf('job.queue')} AS queue,
  left(metadata ->> 'host.name', 512) AS host, error_type AS error, metadata -> 'job.state' AS state,
  metadata -> 'job.status_check.jobs' AS jobs, metadata -> 'host' AS usage, metadata -> 'job.capacity' AS capacity,
  metadata -> 'job.running_here' AS running, metadata -> 'job.concurrent.peak' AS peak`

/** Counts of a group of jobs. */
export const jobTally = `count(*) AS count, count(*) FILTER (WHERE status = 'completed') AS completed,
  count(*) FILTER (WHERE status = 'failed') AS failed, count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
  count(*) FILTER (WHERE retried) AS retried`

/** `names`, measure, bucket, n, sum_us, least_us, most_us of the relation `job`: 0 duration, 1 launch, from 2 on the phases. */
export const jobCells = (names: string): string => `
  SELECT ${names}, measure, ${bucketOf('us')} AS bucket, count(*) AS n, sum(us) AS sum_us, min(us) AS least_us, max(us) AS most_us
  FROM (
    SELECT ${names}, 0 AS measure, duration_us::float8 AS us FROM job
    UNION ALL SELECT ${names}, 1, launch_us FROM job WHERE launch_us IS NOT NULL
    UNION ALL SELECT ${names}, 1 + array_position(ARRAY[${phaseKeys}], p.key), p.value::float8 * 1000
    FROM job CROSS JOIN LATERAL jsonb_each(CASE WHEN jsonb_typeof(phases) = 'object' THEN phases ELSE '{}' END) AS p
    WHERE p.key IN (${phaseKeys}) AND p.value ${canBe}
    OFFSET 0
  ) AS every GROUP BY ${names}, measure, bucket`

/** Bytes of a job in what `jobSpans` gives. */
export const spanBytes = 12

/** When the jobs of a group ran, counted from `start`: 12 bytes each, as COMMENT ON rollup_job_spans has it. */
export const jobSpans = (start: string): string =>
  `string_agg(int4send((extract(epoch FROM started_at - ${start}) * 1000000)::int4) || int8send(length), ''::bytea)`

export const jobReach = `max(started_at + length * interval '1 microsecond')`
