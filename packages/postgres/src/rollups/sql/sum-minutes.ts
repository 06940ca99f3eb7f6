import type { PoolClient } from 'pg'
import { everyGrain, maxErrorTypes, usersPerRow } from '../levels.js'
import { businessCells, logDuration, operationCells, userCells, versionValueCells } from './row-cells.js'

// $1 the minutes, $2 and $3 the day they lie in.
const cells = {
  range: `(SELECT minute AS lo, minute + interval '1 minute' AS hi FROM unnest($1::timestamptz[]) AS minute)`,
  lower: '$2::timestamptz',
  upper: '$3::timestamptz',
  start: 'r.lo',
}

const logs = `, sum(${logDuration}) AS log_sum, sum(${logDuration} * ${logDuration}) AS log_squares`
const names = 'service, service_version, operation_service, operation'
// Sorted by bytes: by the rules of a language it takes several times as long.
const sortable = names
  .split(', ')
  .map((name) => `coalesce(o.${name}, '') COLLATE "C" AS ${name},`)
  .join(' ')
const grains = `GROUPING SETS ((${names}), (service, service_version), (service_version), ())`
const grain = `CASE WHEN grouping(operation) = 0 THEN 'o' WHEN grouping(service) = 0 THEN 's' WHEN grouping(service_version) = 0 THEN 'v' ELSE 'a' END::"char" AS grain`
const named = names
  .split(', ')
  .map((name) => `coalesce(${name}, '') AS ${name}`)
  .join(', ')

// One pass over the rows; all grains are of its cells.
const operations = `
WITH cell AS MATERIALIZED (${operationCells(cells, 'true', sortable, undefined, logs)}
), bucket AS (
  SELECT start, ${grain}, ${named}, bucket, sum(n)::int8 AS n, sum(n) FILTER (WHERE error IS NOT NULL) AS failures,
    sum(sum_us) AS sum_us, min(min_us) AS min_us, max(max_us) AS max_us,
    sum(log_sum) FILTER (WHERE error IS NULL) AS log_sum, sum(log_squares) FILTER (WHERE error IS NULL) AS log_squares
  FROM cell GROUP BY start, bucket, ${grains}
), total AS (
  SELECT start, grain, ${names}, sum(n)::int8 AS count, coalesce(sum(failures), 0)::int8 AS failures, sum(sum_us) AS sum_us,
    min(min_us) AS min_us, max(max_us) AS max_us, coalesce(sum(log_sum), 0) AS log_sum, coalesce(sum(log_squares), 0) AS log_squares,
    array_agg(bucket ORDER BY bucket) AS buckets, array_agg(n ORDER BY bucket) AS counts
  FROM bucket GROUP BY start, grain, ${names}
), error AS (
  SELECT start, grain, ${names}, array_agg(error ORDER BY place) FILTER (WHERE place <= ${maxErrorTypes}) AS types,
    array_agg(n ORDER BY place) FILTER (WHERE place <= ${maxErrorTypes}) AS counts,
    coalesce(sum(n) FILTER (WHERE place > ${maxErrorTypes}), 0)::int8 AS other
  FROM (
    SELECT *, row_number() OVER (PARTITION BY start, grain, ${names} ORDER BY n DESC, error COLLATE "C") AS place
    FROM (
      SELECT start, ${grain}, ${named}, error, sum(n)::int8 AS n FROM cell WHERE error IS NOT NULL GROUP BY start, error, ${grains}
    ) AS one
  ) AS placed GROUP BY start, grain, ${names}
)
INSERT INTO throughline.rollup_operations (level, start, grain, key, ${names},
  count, failures, sum_us, min_us, max_us, log_sum, log_squares, buckets, bucket_counts, error_types, error_counts, other_errors)
SELECT 'm', start, grain, md5(ROW(${names})::text)::uuid, ${names}, count, failures, sum_us, min_us, max_us, log_sum, log_squares,
  buckets, total.counts, coalesce(types, '{}'), coalesce(error.counts, '{}'), coalesce(other, 0)
FROM total LEFT JOIN error USING (start, grain, ${names})`

const business = `
INSERT INTO throughline.rollup_business (level, start, key, service, operation_service, operation, name, kind, labels, entries, observations, sum)
SELECT 'm', start, md5(ROW(service, operation_service, operation, name, kind, labels)::text)::uuid,
  service, operation_service, operation, name, kind, labels, entries, observations, sum
FROM (${businessCells(cells)}) AS cell`

const versionValues = `
INSERT INTO throughline.rollup_version_values (level, start, key, ${names}, name, currency, operations, sum, squares)
SELECT 'm', start, md5(ROW(${names}, name, currency)::text)::uuid, ${names}, name, currency, operations, sum, squares
FROM (${versionValueCells(cells)}) AS cell`

const users = `
INSERT INTO throughline.rollup_users (level, start, operation_service, chunk, users, counts, failures)
SELECT 'm', start, operation_service, chunk, array_agg(user_id), array_agg(n), array_agg(failures)
FROM (
  SELECT *, (row_number() OVER (PARTITION BY start, operation_service) - 1) / ${usersPerRow} AS chunk
  FROM (${userCells(cells)}) AS counted
) AS cell GROUP BY 2, 3, 4`

const clear = ['rollup_operations', 'rollup_business', 'rollup_version_values', 'rollup_users'].map(
  (table) =>
    `DELETE FROM throughline.${table} WHERE level = 'm' AND ${table === 'rollup_operations' ? `${everyGrain} AND ` : ''}start = ANY($1::timestamptz[])`,
)

/** Sums the minutes up from their rows, in place of what was there: late and repeated rows cannot skew it. */
export const sumMinutes = async (
  client: PoolClient,
  minutes: readonly string[],
  day: { from: string; until: string },
): Promise<void> => {
  for (const statement of clear) await client.query(statement, [minutes])
  for (const statement of [operations, business, versionValues, users])
    await client.query(statement, [minutes, day.from, day.until])
}
