// Rows as a real system leaves them, made inside Postgres: 20 services with 10 operations each, log-normal durations,
// 3 % failures, five operations a correlation ID (UUID of version 7, as the SDK makes it), 450 bytes of JSON a record. With `deployAt` every
// second service has another version from then on, with `business` the successes of one operation in ten have a value.
const dayMs = 86_400_000

const statement = `
INSERT INTO throughline.operations (started_at, trace_id, span_id, duration_us, bucket, success, correlation_id, service, service_version,
  operation_service, operation, user_id, error_type, error_message, metadata, business, instance, seq)
SELECT started_at, md5('trace ' || request)::uuid, n, duration_us, throughline.bucket(correlation_id), ok, correlation_id, 'service-' || service,
  CASE WHEN started_at >= $5::timestamptz AND service % 2 = 0 THEN '1.5.0' ELSE '1.4.2' END, 'Class' || operation, 'operation' || operation, 'user-' || request % 10007, CASE WHEN NOT ok THEN 'TimeoutError' END,
  CASE WHEN NOT ok THEN 'upstream did not answer within 3000 ms' END,
  jsonb_build_object('model', 'large-v3', 'region', 'eu-west-1', 'tokens_in', n % 4000, 'tokens_out', n % 1000, 'tenant', 't' || n % 300, 'cache_hit', n % 2 = 0),
  CASE WHEN $6::bool AND ok AND operation = 0
    THEN jsonb_build_array(jsonb_build_object('name', 'business.value', 'labels', jsonb_build_object('currency', 'USD', 'site', 's' || n % 8), 'value', (n % 1000) || '.50')) END,
  '018f6a2e-7c1b-7d3e-9a51-0123456789ab', n
FROM (
  SELECT n, request,
    substr(millis, 1, 8) || '-' || substr(millis, 9) || '-7' || substr(random, 1, 3) || '-8' || substr(random, 4, 3) || '-' || substr(random, 7, 12) AS correlation_id,
    (hashint8(n) & 2147483647) % 20 AS service, (hashint8(n + 1) & 2147483647) % 10 AS operation, random() >= 0.03 AS ok,
    $1::timestamptz + (n - $2) * $4 * interval '1 microsecond' AS started_at,
    1 + (1000 * exp(3 + ((hashint8(n) & 2147483647) % 20) * 0.1 + 0.8 * sqrt(-2 * ln(1 - random())) * cos(6.283185307179586 * random())))::int8 AS duration_us
  FROM generate_series($2::int8, $3::int8 - 1) AS n CROSS JOIN LATERAL (
    SELECT n / 5 AS request, md5('correlation ' || n / 5) AS random,
      lpad(to_hex((extract(epoch FROM $1::timestamptz + (n / 5 * 5 - $2) * $4 * interval '1 microsecond') * 1000)::int8), 12, '0') AS millis
  ) AS id
) AS made`

/** Fills `count` rows evenly into the time; `pools` connections at once. The rows are numbered from 0. */
export async function fillOperations(
  pool,
  { from, until, count, deployAt = Number.POSITIVE_INFINITY, business = false, onProgress = () => {} },
) {
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
      const start = new Date(from + (first * stepUs) / 1_000)
      await pool.query(statement, [
        start,
        first,
        Math.min(first + part, count),
        stepUs,
        Number.isFinite(deployAt) ? new Date(deployAt) : 'infinity',
        business,
      ])
      onProgress(`${first} of ${count} rows`)
    }
  }
  await Promise.all([fill(), fill()])
  onProgress('VACUUM')
  await pool.query('VACUUM (ANALYZE) throughline.operations')
}
