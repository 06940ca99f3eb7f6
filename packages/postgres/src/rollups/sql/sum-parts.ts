import type { PoolClient } from 'pg'
import { type Level, maxErrorTypes, usersPerRow } from '../levels.js'

const partsOf = (table: string, level: Level, condition = 'true'): string => `
  SELECT parent.start AS parent, r.* FROM unnest($1::timestamptz[]) AS parent(start)
  JOIN throughline.${table} AS r
    ON r.level = '${level.from}' AND r.start >= parent.start AND r.start < parent.start + interval '${level.span}' AND ${condition}`

const grains = `grain IN ('o', 's', 'a')`

const operations = (level: Level): string => `
WITH part AS MATERIALIZED (${partsOf('rollup_operations', level, grains)}
), total AS (
  SELECT parent, grain, key, min(service COLLATE "C") AS service, min(service_version COLLATE "C") AS service_version, min(operation_service COLLATE "C") AS operation_service, min(operation COLLATE "C") AS operation,
    sum(count)::int8 AS count,
    sum(failures)::int8 AS failures, sum(sum_us) AS sum_us, min(min_us) AS min_us, max(max_us) AS max_us,
    sum(other_errors)::int8 AS other
  FROM part GROUP BY 1, 2, 3
), bucket AS (
  SELECT parent, grain, key, array_agg(bucket ORDER BY bucket) AS buckets, array_agg(n ORDER BY bucket) AS counts
  FROM (
    SELECT parent, grain, key, u.bucket, sum(u.n)::int8 AS n
    FROM part, unnest(buckets, bucket_counts) AS u(bucket, n) GROUP BY 1, 2, 3, 4
  ) AS one GROUP BY 1, 2, 3
), error AS (
  SELECT parent, grain, key, array_agg(type ORDER BY place) FILTER (WHERE place <= ${maxErrorTypes}) AS types,
    array_agg(n ORDER BY place) FILTER (WHERE place <= ${maxErrorTypes}) AS counts,
    coalesce(sum(n) FILTER (WHERE place > ${maxErrorTypes}), 0)::int8 AS other
  FROM (
    SELECT parent, grain, key, u.type, sum(u.n)::int8 AS n,
      row_number() OVER (PARTITION BY parent, grain, key ORDER BY sum(u.n) DESC, u.type COLLATE "C") AS place
    FROM part, unnest(error_types, error_counts) AS u(type, n) GROUP BY 1, 2, 3, 4
  ) AS one GROUP BY 1, 2, 3
)
INSERT INTO throughline.rollup_operations (level, start, grain, key, service, service_version, operation_service, operation,
  count, failures, sum_us, min_us, max_us, buckets, bucket_counts, error_types, error_counts, other_errors)
SELECT '${level.level}', parent, grain, key, service, service_version, operation_service, operation,
  count, failures, sum_us, min_us, max_us, buckets, bucket.counts, coalesce(types, '{}'), coalesce(error.counts, '{}'),
  total.other + coalesce(error.other, 0)
FROM total JOIN bucket USING (parent, grain, key) LEFT JOIN error USING (parent, grain, key)`

const business = (level: Level): string => `
INSERT INTO throughline.rollup_business (level, start, key, service, operation_service, operation, name, kind, labels, entries, observations, sum)
SELECT '${level.level}', parent, key, service, operation_service, operation, name, kind, labels,
  sum(entries)::int8, sum(observations)::int8, sum(sum)
FROM (${partsOf('rollup_business', level)}) AS part
GROUP BY parent, key, service, operation_service, operation, name, kind, labels`

const users = (level: Level): string => `
INSERT INTO throughline.rollup_users (level, start, operation_service, chunk, users, counts, failures)
SELECT '${level.level}', parent, operation_service, chunk, array_agg(user_id), array_agg(n), array_agg(failed)
FROM (
  SELECT *, (row_number() OVER (PARTITION BY parent, operation_service) - 1) / ${usersPerRow} AS chunk
  FROM (
    SELECT parent, operation_service, u.user_id, sum(u.n)::int8 AS n, sum(u.failed)::int8 AS failed
    FROM (${partsOf('rollup_users', level)}) AS part, unnest(users, counts, failures) AS u(user_id, n, failed)
    GROUP BY 1, 2, 3
  ) AS one
) AS chunked GROUP BY 2, 3, 4`

/** Sums hours up from their minutes, or days from their hours, in place of what was there. */
export const sumParts = async (
  client: PoolClient,
  level: Level,
  starts: readonly string[],
): Promise<void> => {
  for (const table of ['rollup_operations', 'rollup_business', 'rollup_users'])
    await client.query(
      `DELETE FROM throughline.${table} WHERE level = '${level.level}' AND ${table === 'rollup_operations' ? `${grains} AND ` : ''}start = ANY($1::timestamptz[])`,
      [starts],
    )
  for (const statement of [operations, business, users]) await client.query(statement(level), [starts])
}
