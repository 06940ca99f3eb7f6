import type { PoolClient } from 'pg'
import { everyGrain, type Level, maxErrorTypes, usersPerRow } from '../levels.js'

const partsOf = (table: string, from: string, span: string, condition = 'true'): string => `
  SELECT parent.start AS parent, r.* FROM unnest($1::timestamptz[]) AS parent(start)
  JOIN throughline.${table} AS r
    ON r.level = '${from}' AND r.start >= parent.start AND r.start < parent.start + interval '${span}' AND ${condition}`

// Arrays are unnested in the list of columns: as a function in FROM each would be stored before it is read.
const operations = ({ level, span }: Level, from: string): string => `
WITH part AS MATERIALIZED (${partsOf('rollup_operations', from, span, everyGrain)}
), total AS (
  SELECT parent, grain, key, min(service COLLATE "C") AS service, min(service_version COLLATE "C") AS service_version, min(operation_service COLLATE "C") AS operation_service, min(operation COLLATE "C") AS operation,
    sum(count)::int8 AS count,
    sum(failures)::int8 AS failures, sum(sum_us) AS sum_us, min(min_us) AS min_us, max(max_us) AS max_us,
    CASE WHEN bool_and(log_sum IS NOT NULL) THEN sum(log_sum) END AS log_sum,
    CASE WHEN bool_and(log_sum IS NOT NULL) THEN sum(log_squares) END AS log_squares,
    sum(other_errors)::int8 AS other
  FROM part GROUP BY 1, 2, 3
), bucket AS (
  SELECT parent, grain, key, array_agg(bucket ORDER BY bucket) AS buckets, array_agg(n ORDER BY bucket) AS counts
  FROM (
    SELECT parent, grain, key, bucket, sum(n)::int8 AS n
    FROM (SELECT parent, grain, key, unnest(buckets) AS bucket, unnest(bucket_counts) AS n FROM part) AS u GROUP BY 1, 2, 3, 4
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
  count, failures, sum_us, min_us, max_us, log_sum, log_squares, buckets, bucket_counts, error_types, error_counts, other_errors)
SELECT '${level}', parent, grain, key, service, service_version, operation_service, operation,
  count, failures, sum_us, min_us, max_us, log_sum, log_squares, buckets, bucket.counts, coalesce(types, '{}'), coalesce(error.counts, '{}'),
  total.other + coalesce(error.other, 0)
FROM total JOIN bucket USING (parent, grain, key) LEFT JOIN error USING (parent, grain, key)`

const business = ({ level, span }: Level, from: string): string => `
INSERT INTO throughline.rollup_business (level, start, key, service, operation_service, operation, name, kind, labels, entries, observations, sum)
SELECT '${level}', parent, key, service, operation_service, operation, name, kind, labels,
  sum(entries)::int8, sum(observations)::int8, sum(sum)
FROM (${partsOf('rollup_business', from, span)}) AS part
GROUP BY parent, key, service, operation_service, operation, name, kind, labels`

const names = 'service, service_version, operation_service, operation, name, currency'

const versionValues = ({ level, span }: Level, from: string): string => `
INSERT INTO throughline.rollup_version_values (level, start, key, ${names}, operations, sum, squares)
SELECT '${level}', parent, key, ${names}, sum(operations)::int8, sum(sum), sum(squares)
FROM (${partsOf('rollup_version_values', from, span)}) AS part GROUP BY parent, key, ${names}`

const users = ({ level, span }: Level, from: string): string => `
INSERT INTO throughline.rollup_users (level, start, operation_service, chunk, users, counts, failures)
SELECT '${level}', parent, operation_service, chunk, array_agg(user_id), array_agg(n), array_agg(failed)
FROM (
  SELECT *, (row_number() OVER (PARTITION BY parent, operation_service) - 1) / ${usersPerRow} AS chunk
  FROM (
    SELECT parent, operation_service, user_id, sum(n)::int8 AS n, sum(failed)::int8 AS failed
    FROM (
      SELECT parent, operation_service, unnest(users) AS user_id, unnest(counts) AS n, unnest(failures) AS failed
      FROM (${partsOf('rollup_users', from, span)}) AS part
    ) AS u GROUP BY 1, 2, 3
  ) AS one
) AS chunked GROUP BY 2, 3, 4`

const tables = {
  operations: { table: 'rollup_operations', sum: operations },
  business: { table: 'rollup_business', sum: business },
  versionValues: { table: 'rollup_version_values', sum: versionValues },
  users: { table: 'rollup_users', sum: users },
} as const

/** Sums larger units up from the smaller ones that the level names, in place of what was there. */
export const sumParts = async (
  client: PoolClient,
  level: Level,
  starts: readonly string[],
): Promise<void> => {
  for (const [name, from] of Object.entries(level.from)) {
    const { table, sum } = tables[name as keyof typeof tables]
    const grain = name === 'operations' ? `${everyGrain} AND ` : ''
    await client.query(
      `DELETE FROM throughline.${table} WHERE level = '${level.level}' AND ${grain}start = ANY($1::timestamptz[])`,
      [starts],
    )
    await client.query(sum(level, from), [starts])
  }
}
