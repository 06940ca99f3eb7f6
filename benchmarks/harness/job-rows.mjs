// Rows of jobs as the instrumentation leaves them, made inside Postgres: 4 queues with 5 types each, log-normal durations of some seconds, 4 %
// failures of six types, all phases of a container; and a status check of 4 processes every 15 seconds.
const dayMs = 86_400_000

const jobs = `
INSERT INTO throughline.operations (started_at, trace_id, span_id, duration_us, bucket, success, correlation_id, service, operation_service,
  operation, error_type, error_message, metadata, instance, seq)
SELECT started_at, md5('trace ' || n)::uuid, n, duration_us, throughline.bucket(id), ok, id, 'runner', 'queue-' || queue, 'type-' || type,
  CASE WHEN NOT ok THEN 'Error' || n % 6 END, CASE WHEN NOT ok THEN 'it ended with another code than 0' END,
  jsonb_build_object('job.id', id, 'job.execution.id', md5('run ' || n)::uuid, 'job.queue', 'queue-' || queue, 'job.type', 'type-' || type,
    'job.attempt', 1 + (n % 50 = 0)::int, 'job.status', CASE WHEN ok THEN 'completed' ELSE 'failed' END, 'job.enqueued_at', started_at,
    'job.launch.latency_ms', duration_us / 4000.0, 'container.id', md5('container ' || n) || md5('id ' || n),
    'job.phases', jsonb_build_object('queued_ms', duration_us / 8000.0, 'pulling_ms', 10 + n % 7, 'creating_ms', 300 + n % 200, 'starting_ms', 400,
      'running_ms', duration_us / 1500.0, 'collecting_ms', 9, 'removing_ms', 40 + n % 20)),
  '018f6a2e-7c1b-7d3e-9a51-0123456789ab', n
FROM (
  SELECT n, md5('job ' || n)::uuid::text AS id, (hashint8(n) & 2147483647) % 4 AS queue, (hashint8(n + 1) & 2147483647) % 5 AS type,
    random() >= 0.04 AS ok, $1::timestamptz + (n - $2) * $4 * interval '1 microsecond' AS started_at,
    1 + (1000 * exp(8 + 0.9 * sqrt(-2 * ln(1 - random())) * cos(6.283185307179586 * random())))::int8 AS duration_us
  FROM generate_series($2::int8, $3::int8 - 1) AS n
) AS made`

const checks = `
INSERT INTO throughline.operations (started_at, trace_id, span_id, duration_us, bucket, success, correlation_id, service, operation_service,
  operation, metadata, instance)
SELECT at + p * interval '3 seconds', gen_random_uuid(), p, 4000, 0, true, 'check', 'runner', 'queue-' || p, 'status_check',
  jsonb_build_object('job.queue', 'queue-' || p, 'job.capacity', 16, 'job.running_here', 9, 'job.concurrent.peak', 12, 'host.name', 'worker-' || p,
    'host', jsonb_build_object('cpu', 0.5, 'memory', 0.25, 'disk', 0.75, 'slots', 0.6), 'job.status_check.jobs', 100,
    'job.state', jsonb_build_object('pending', 3, 'running', 9, 'completed', 900, 'failed', 4, 'cancelled', 0, 'depth', 3, 'oldest_age_s', 1.5)),
  md5('process ' || p)::uuid
FROM generate_series($1::timestamptz, $2::timestamptz, '15 seconds') AS at, generate_series(0, 3) AS p`

/** The figures of the page in the plainest SQL. */
export const plainJobsSql = `
WITH job AS MATERIALIZED (
  SELECT started_at, duration_us, metadata ->> 'job.queue' AS queue, metadata ->> 'job.type' AS type, metadata ->> 'job.status' AS status,
    error_type, (metadata ->> 'job.launch.latency_ms')::float8 AS launch, metadata -> 'job.phases' AS phases
  FROM throughline.operations WHERE started_at >= $1 AND started_at < $2 AND metadata ? 'job.queue' AND metadata ? 'job.type'
), grouped AS (
  SELECT queue, type, count(*), count(*) FILTER (WHERE status = 'failed') AS failed,
    percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY duration_us), percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY launch)
  FROM job GROUP BY GROUPING SETS ((queue, type), (queue), ())
), phase AS (
  SELECT queue, type, key, count(*), avg(value::float8), percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY value::float8)
  FROM job, jsonb_each(phases) GROUP BY 1, 2, 3
), failure AS (
  SELECT queue, type, error_type, count(*) FROM job WHERE status = 'failed' GROUP BY 1, 2, 3
), event AS (
  SELECT started_at AS at, 1 AS d FROM job UNION ALL SELECT started_at + greatest(duration_us, 1) * interval '1 microsecond', -1 FROM job
), running AS (
  SELECT sum(d) OVER (ORDER BY at, d ROWS UNBOUNDED PRECEDING) AS n FROM event
)
SELECT (SELECT count FROM grouped WHERE queue IS NULL)::int AS count, (SELECT failed FROM grouped WHERE queue IS NULL)::int AS failed,
  (SELECT max(n) FROM running)::int AS peak, (SELECT count(*) FROM phase) AS phases, (SELECT count(*) FROM failure) AS failures`

/** Fills `count` jobs evenly into the time, with the checks beside them, all of it marked to be summed up. */
export async function fillJobs(pool, { from, until, count, onProgress = () => {} }) {
  for (let day = Math.floor(from / dayMs); day * dayMs < until; day += 1)
    await pool.query('SELECT throughline.create_partition($1)', [
      new Date(day * dayMs).toISOString().slice(0, 10),
    ])
  const stepUs = ((until - from) * 1_000) / count
  const part = 50_000
  let next = 0
  const fill = async () => {
    while (next < count) {
      const first = next
      next += part
      await pool.query(jobs, [
        new Date(from + (first * stepUs) / 1_000),
        first,
        Math.min(first + part, count),
        stepUs,
      ])
      onProgress(`${first} of ${count} jobs`)
    }
  }
  await Promise.all([fill(), fill()])
  await pool.query(checks, [new Date(from), new Date(until)])
  await pool.query(
    'INSERT INTO throughline.rollup_marks (start) SELECT DISTINCT throughline.minute_of(started_at) FROM throughline.operations',
  )
  onProgress('VACUUM')
  await pool.query('VACUUM (ANALYZE) throughline.operations')
}
