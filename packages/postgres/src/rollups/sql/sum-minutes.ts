import type { PoolClient } from 'pg'
import { maxErrorTypes, usersPerRow } from '../levels.js'
import { businessCells, operationCells, userCells } from './row-cells.js'

// $1 the minutes, $2 and $3 the day they lie in.
const cells = {
  range: `(SELECT minute AS lo, minute + interval '1 minute' AS hi FROM unnest($1::timestamptz[]) AS minute)`,
  lower: '$2::timestamptz',
  upper: '$3::timestamptz',
  start: 'r.lo',
}

// One pass over the rows for the three grains.
const names = `CASE WHEN grouping(o.operation) = 0 THEN 'o' WHEN grouping(o.service) = 0 THEN 's' ELSE 'a' END::"char" AS grain,
    coalesce(o.service, '') AS service, coalesce(o.service_version, '') AS service_version,
    coalesce(o.operation_service, '') AS operation_service, coalesce(o.operation, '') AS operation,`
const bucket = 'throughline.duration_bucket(o.duration_us)'
const error = "CASE WHEN NOT o.success THEN coalesce(o.error_type, '') END"
const grouping = `r.lo, ${bucket}, ${error}, GROUPING SETS (
    (o.service, o.service_version, o.operation_service, o.operation), (o.service, o.service_version), ())`

const operations = `
WITH cell AS MATERIALIZED (
  SELECT *, md5(ROW(service, service_version, operation_service, operation)::text)::uuid AS key
  FROM (${operationCells(cells, 'true', names, grouping)}) AS counted
), total AS (
  SELECT start, grain, key, min(service COLLATE "C") AS service, min(service_version COLLATE "C") AS service_version, min(operation_service COLLATE "C") AS operation_service, min(operation COLLATE "C") AS operation,
    sum(n)::int8 AS count,
    coalesce(sum(n) FILTER (WHERE error IS NOT NULL), 0)::int8 AS failures,
    sum(sum_us) AS sum_us, min(min_us) AS min_us, max(max_us) AS max_us
  FROM cell GROUP BY 1, 2, 3
), bucket AS (
  SELECT start, grain, key, array_agg(bucket ORDER BY bucket) AS buckets, array_agg(n ORDER BY bucket) AS counts
  FROM (SELECT start, grain, key, bucket, sum(n)::int8 AS n FROM cell GROUP BY 1, 2, 3, 4) AS one GROUP BY 1, 2, 3
), error AS (
  SELECT start, grain, key, array_agg(error ORDER BY place) FILTER (WHERE place <= ${maxErrorTypes}) AS types,
    array_agg(n ORDER BY place) FILTER (WHERE place <= ${maxErrorTypes}) AS counts,
    coalesce(sum(n) FILTER (WHERE place > ${maxErrorTypes}), 0)::int8 AS other
  FROM (
    SELECT start, grain, key, error, sum(n)::int8 AS n,
      row_number() OVER (PARTITION BY start, grain, key ORDER BY sum(n) DESC, error COLLATE "C") AS place
    FROM cell WHERE error IS NOT NULL GROUP BY 1, 2, 3, 4
  ) AS one GROUP BY 1, 2, 3
)
INSERT INTO throughline.rollup_operations (level, start, grain, key, service, service_version, operation_service, operation,
  count, failures, sum_us, min_us, max_us, buckets, bucket_counts, error_types, error_counts, other_errors)
SELECT 'm', start, grain, key, service, service_version, operation_service, operation,
  count, failures, sum_us, min_us, max_us, buckets, bucket.counts, coalesce(types, '{}'), coalesce(error.counts, '{}'), coalesce(other, 0)
FROM total JOIN bucket USING (start, grain, key) LEFT JOIN error USING (start, grain, key)`

const business = `
INSERT INTO throughline.rollup_business (level, start, key, service, operation_service, operation, name, kind, labels, entries, observations, sum)
SELECT 'm', start, md5(ROW(service, operation_service, operation, name, kind, labels)::text)::uuid,
  service, operation_service, operation, name, kind, labels, entries, observations, sum
FROM (${businessCells(cells)}) AS cell`

const users = `
INSERT INTO throughline.rollup_users (level, start, operation_service, chunk, users, counts, failures)
SELECT 'm', start, operation_service, chunk, array_agg(user_id), array_agg(n), array_agg(failures)
FROM (
  SELECT *, (row_number() OVER (PARTITION BY start, operation_service) - 1) / ${usersPerRow} AS chunk
  FROM (${userCells(cells)}) AS counted
) AS cell GROUP BY 2, 3, 4`

const clear = ['rollup_operations', 'rollup_business', 'rollup_users'].map(
  (table) =>
    `DELETE FROM throughline.${table} WHERE level = 'm' AND ${table === 'rollup_operations' ? `grain IN ('o', 's', 'a') AND ` : ''}start = ANY($1::timestamptz[])`,
)

/** Sums the minutes up from their rows, in place of what was there: late and repeated rows cannot skew it. */
export const sumMinutes = async (
  client: PoolClient,
  minutes: readonly string[],
  day: { from: string; until: string },
): Promise<void> => {
  for (const statement of clear) await client.query(statement, [minutes])
  for (const statement of [operations, business, users])
    await client.query(statement, [minutes, day.from, day.until])
}
