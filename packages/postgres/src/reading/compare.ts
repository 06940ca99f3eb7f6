import type { Queryable } from '../rollups/window.js'
import { filterCondition, type OperationFilter, parametersOf } from './operation-filter.js'

/** A version with operations in a window. */
export type SeenVersion = { version: string | null; firstSeen: Date; lastSeen: Date; count: number }

const maxVersions = 100

/** The versions of a window by their first operation in it, the latest first; from the rows. */
export const readSeenVersions = async (db: Queryable, filter: OperationFilter): Promise<SeenVersion[]> => {
  const parameters = parametersOf()
  const condition = filterCondition(filter, parameters)
  const { rows } = await db.query<SeenVersion>(
    `SELECT nullif(service_version, '') AS version, min(started_at) AS "firstSeen", max(started_at) AS "lastSeen", count(*)::float8 AS count
FROM throughline.operations WHERE ${condition} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ${maxVersions}`,
    parameters.values,
  )
  return rows
}

/** Sums over one version's operations; those over minutes are for errors that come in bursts. */
export type VersionSums = {
  /** Null: operations without a version. */
  version: string | null
  count: number
  failures: number
  /** Slower than the given duration. */
  slow: number
  averageMs: number
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

const log = 'ln(greatest(duration_us, 1)::float8)'

/** The sums of these versions, in one walk over their rows. */
export const readVersionSums = async (
  db: Queryable,
  pair: Pair & { slowerThanMs: number },
): Promise<VersionSums[]> => {
  const { parameters, condition } = pairCondition(pair)
  const { rows } = await db.query<VersionSums>(
    `WITH by_minute AS (
  SELECT coalesce(service_version, '') AS version, count(*) AS n, count(*) FILTER (WHERE NOT success) AS f,
    count(*) FILTER (WHERE success) AS k, count(*) FILTER (WHERE duration_us > ${parameters.add(pair.slowerThanMs * 1000)}::float8) AS slow,
    sum(duration_us) AS us, coalesce(sum(${log}) FILTER (WHERE success), 0) AS l,
    coalesce(sum(${log} * ${log}) FILTER (WHERE success), 0) AS l2
  FROM throughline.operations WHERE ${condition} GROUP BY 1, throughline.minute_of(started_at)
)
SELECT nullif(version, '') AS version, sum(n)::float8 AS count, sum(f)::float8 AS failures, sum(slow)::float8 AS slow,
  sum(us)::float8 / sum(n)::float8 / 1000 AS "averageMs", count(*)::float8 AS minutes,
  sum(f * f)::float8 AS "failuresSquared", sum(f * n)::float8 AS "failuresTimesCount", sum(n * n)::float8 AS "countSquared",
  sum(l) AS "logSum", sum(l2) AS "logSquares", sum(l * l) AS "logSumSquared", sum(l * k) AS "logSumTimesCount",
  sum(k * k)::float8 AS "successesSquared"
FROM by_minute GROUP BY 1`,
    parameters.values,
  )
  return rows
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
