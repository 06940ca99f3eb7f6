import type { Queryable } from '../rollups/window.js'
import { filterCondition, type OperationFilter, parametersOf } from './operation-filter.js'

/** Sums over one version's operations; those `…By minute` are for errors that come in bursts. */
export type VersionSums = {
  /** Null: operations without a version. */
  version: string | null
  firstSeen: Date
  lastSeen: Date
  count: number
  failures: number
  averageMs: number
  p50Ms: number
  p95Ms: number
  p99Ms: number
  /** Minutes with an operation. */
  minutes: number
  /** Over minutes: of the squares of failures, of failures times operations, of the squares of operations. */
  failuresSquared: number
  failuresTimesCount: number
  countSquared: number
  /** Natural logarithms of the durations of successes in µs: sum and sum of squares. */
  logSum: number
  logSquares: number
  /** Over minutes: of the squares of sums of logarithms, of those sums times successes, of the squares of successes. */
  logSumSquared: number
  logSumTimesCount: number
  successesSquared: number
}

const columns = `version, first_seen AS "firstSeen", last_seen AS "lastSeen", count::float8, failures::float8,
  average_us / 1000 AS "averageMs", at[1] / 1000 AS "p50Ms", at[2] / 1000 AS "p95Ms", at[3] / 1000 AS "p99Ms",
  minutes::float8, ff::float8 AS "failuresSquared", fn::float8 AS "failuresTimesCount", nn::float8 AS "countSquared",
  l1 AS "logSum", l2 AS "logSquares", ll AS "logSumSquared", lk AS "logSumTimesCount", kk::float8 AS "successesSquared"`

const maxVersions = 100

/** The versions of a window by their first operation in it, the latest first; from the rows. */
export const readVersionSums = async (db: Queryable, filter: OperationFilter): Promise<VersionSums[]> => {
  const parameters = parametersOf()
  const condition = filterCondition(filter, parameters)
  const { rows } = await db.query<VersionSums>(
    `WITH one AS MATERIALIZED (
  SELECT coalesce(service_version, '') AS version, started_at, duration_us, success FROM throughline.operations WHERE ${condition}
), by_minute AS (
  SELECT version, min(started_at) AS first_seen, max(started_at) AS last_seen, count(*) AS n, count(*) FILTER (WHERE NOT success) AS f,
    count(*) FILTER (WHERE success) AS k, sum(duration_us) AS us,
    coalesce(sum(ln(greatest(duration_us, 1)::float8)) FILTER (WHERE success), 0) AS l,
    coalesce(sum(ln(greatest(duration_us, 1)::float8) ^ 2) FILTER (WHERE success), 0) AS l2
  FROM one GROUP BY version, throughline.minute_of(started_at)
), total AS (
  SELECT version, min(first_seen) AS first_seen, max(last_seen) AS last_seen, sum(n) AS count, sum(f) AS failures,
    sum(us)::float8 / sum(n)::float8 AS average_us, count(*) AS minutes, sum(f * f) AS ff, sum(f * n) AS fn, sum(n * n) AS nn,
    sum(l) AS l1, sum(l2) AS l2, sum(l * l) AS ll, sum(l * k) AS lk, sum(k * k) AS kk
  FROM by_minute GROUP BY version
), percentile AS (
  SELECT version, percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY duration_us::float8) AS at FROM one GROUP BY version
)
SELECT ${columns} FROM total JOIN percentile USING (version) ORDER BY first_seen DESC, version LIMIT ${maxVersions}`,
    parameters.values,
  )
  return rows.map((row) => ({ ...row, version: row.version || null }))
}

type Pair = OperationFilter & { versions: readonly (string | null)[] }

const pairCondition = (pair: Pair) => {
  const parameters = parametersOf()
  const condition = filterCondition(pair, parameters)
  const versions = parameters.add(pair.versions.map((version) => version ?? ''))
  return {
    parameters,
    condition: `${condition} AND coalesce(service_version, '') = ANY(${versions}::text[])`,
  }
}

/** Failures of these versions by type; null: without one. */
export const readVersionErrors = async (
  db: Queryable,
  pair: Pair,
): Promise<{ version: string | null; type: string | null; count: number }[]> => {
  const { parameters, condition } = pairCondition(pair)
  const { rows } = await db.query<{ version: string; type: string; count: string }>(
    `SELECT coalesce(service_version, '') AS version, coalesce(error_type, '') AS type, count(*) AS count
FROM throughline.operations WHERE ${condition} AND NOT success GROUP BY 1, 2 ORDER BY 3 DESC, 2, 1 LIMIT 400`,
    parameters.values,
  )
  return rows.map(({ version, type, count }) => ({
    version: version || null,
    type: type || null,
    count: Number(count),
  }))
}

/** How many operations of these versions took longer than so many ms. */
export const readSlowerThan = async (
  db: Queryable,
  pair: Pair & { ms: number },
): Promise<Map<string | null, number>> => {
  const { parameters, condition } = pairCondition(pair)
  const { rows } = await db.query<{ version: string; count: string }>(
    `SELECT coalesce(service_version, '') AS version, count(*) FILTER (WHERE duration_us > ${parameters.add(pair.ms * 1000)}::float8) AS count
FROM throughline.operations WHERE ${condition} GROUP BY 1`,
    parameters.values,
  )
  return new Map(rows.map(({ version, count }) => [version || null, Number(count)]))
}

export type VersionValues = {
  version: string | null
  name: string
  currency: string | null
  /** Over the successes that have it: sum and sum of squares of an operation's value. */
  sum: number
  squares: number
}

const decimal = String.raw`'^-?[0-9]{1,100}(\.[0-9]{1,100})?$'`

/** Counters and money of the successes of these versions. */
export const readVersionValues = async (db: Queryable, pair: Pair): Promise<VersionValues[]> => {
  const { parameters, condition } = pairCondition(pair)
  const { rows } = await db.query<VersionValues>(
    `WITH one AS (
  SELECT version, name, currency, sum(value) AS value FROM (
    SELECT coalesce(service_version, '') AS version, started_at, trace_id, span_id, e ->> 'name' AS name,
      coalesce(e -> 'labels' ->> 'currency', '') AS currency,
      CASE WHEN e ->> 'value' ~ ${decimal} THEN (e ->> 'value')::numeric::float8 ELSE 0 END AS value
    FROM throughline.operations, jsonb_array_elements(CASE WHEN jsonb_typeof(business) = 'array' THEN business ELSE '[]' END) AS e
    WHERE ${condition} AND success AND e ->> 'name' IS NOT NULL AND e ->> 'kind' IS NULL
  ) AS entry GROUP BY version, started_at, trace_id, span_id, name, currency
)
SELECT version, name, currency, sum(value) AS sum, sum(value * value) AS squares
FROM one GROUP BY 1, 2, 3 ORDER BY 2, 3, 1 LIMIT 200`,
    parameters.values,
  )
  return rows.map((row) => ({ ...row, version: row.version || null, currency: row.currency || null }))
}
