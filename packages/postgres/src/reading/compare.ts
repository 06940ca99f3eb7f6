import type { Grain } from '../rollups/levels.js'
import { partsOf } from '../rollups/sql/cover.js'
import { versionCells, versionValueCells } from '../rollups/sql/row-cells.js'
import { conditionOf, type Plan, planOf, type Queryable } from '../rollups/window.js'

/** Which operations are compared. */
type VersionFilter = {
  from: Date
  until: Date
  service?: string
  version?: string
  operationService?: string
  operation?: string
}

/** A version with operations in a window, and sums over them; those over steps are for errors that come in bursts. */
export type VersionSums = {
  /** Null: operations without a version. */
  version: string | null
  firstSeen: Date
  lastSeen: Date
  count: number
  failures: number
  averageMs: number
  /** Steps with an operation. */
  steps: number
  /** Over steps: of the squares of failures, of failures times operations, of the squares of operations. */
  failuresSquared: number
  failuresTimesCount: number
  countSquared: number
  /** Natural logarithms of the durations of successes in µs: sum and sum of squares. */
  logSum: number
  logSquares: number
  /** Over steps: of the squares of sums of logarithms, of those sums times successes, of the squares of successes. */
  logSumSquared: number
  logSumTimesCount: number
  successesSquared: number
}

const maxVersions = 100
const minuteMs = 60_000
const fiveMs = 5 * minuteMs
/** Beyond a day failures come together within five minutes instead of one: a month has 45,000 minutes. */
const maxMinutesMs = 25 * 60 * minuteMs

const names = {
  service: 'service',
  version: 'service_version',
  operationService: 'operation_service',
  operation: 'operation',
}
const namesOfRows = { ...names, version: `coalesce(service_version, '')` }

const grainOf = ({ service, operationService, operation }: VersionFilter): Grain => {
  if (operationService !== undefined || operation !== undefined) return 'o'
  return service === undefined ? 'v' : 's'
}

const liveOf = (plan: Plan) => ({
  range: 'row_range',
  lower: '$1::timestamptz',
  upper: '$2::timestamptz',
  start: plan.stepOf('o.started_at'),
})

/**
 * The versions of a window of whole minutes by their first operation in it, the latest first, with what is needed to
 * hold two of them against each other: the same as over their rows. What was summed up before these sums were kept and
 * has no rows any more is not in it. Rejects with `TL_POSTGRES_OPTION` or what Postgres says.
 */
export const readVersionSums = async (db: Queryable, filter: VersionFilter): Promise<VersionSums[]> => {
  const { from, until } = filter
  const stepMs = until.getTime() - from.getTime() > maxMinutesMs ? fiveMs : minuteMs
  const plan = planOf({ from, until, stepMs }, 'fives')
  const ofSums = conditionOf(plan, names, filter)
  const ofRows = conditionOf(plan, namesOfRows, filter)
  const columns = 'count, failures, sum_us, log_sum, log_squares'
  const parts = partsOf(
    'rollup_operations',
    `r.start, service_version, ${columns}`,
    `log_sum IS NOT NULL AND ${ofSums}`,
    grainOf(filter),
  )
  // The exact first and last: of the rows of the first and the last step.
  const seen = (step: string, direction: 'ASC' | 'DESC'): string => `coalesce((
    SELECT o.started_at FROM throughline.operations AS o
    WHERE o.started_at >= greatest(${step}, $1::timestamptz) AND o.started_at < least(${step} + ${stepMs} * interval '1 ms', $2::timestamptz)
      AND o.started_at >= $1::timestamptz AND o.started_at < $2::timestamptz
      AND coalesce(o.service_version, '') = s.version AND ${ofRows}
    ORDER BY o.started_at ${direction} LIMIT 1), ${step})`
  const { rows } = await db.query<VersionSums>(
    `WITH ${plan.cover}, by_step AS (
  SELECT start, service_version AS version, sum(count)::float8 AS n, sum(failures)::float8 AS f,
    sum(count - failures)::float8 AS k, sum(sum_us)::float8 AS us, sum(log_sum) AS l, sum(log_squares) AS l2
  FROM (
    SELECT ${plan.stepOf('start')} AS start, service_version, ${columns} FROM (${parts}) AS summed
    UNION ALL
    SELECT start, service_version, ${columns} FROM (${versionCells(liveOf(plan), ofRows)}) AS counted
  ) AS both_sources GROUP BY 1, 2
), summed AS MATERIALIZED (
  SELECT version, min(start) AS first_step, max(start) AS last_step, sum(n) AS count, sum(f) AS failures,
    sum(us) / sum(n) / 1000 AS "averageMs", count(*)::float8 AS steps,
    sum(f * f) AS "failuresSquared", sum(f * n) AS "failuresTimesCount", sum(n * n) AS "countSquared",
    sum(l) AS "logSum", sum(l2) AS "logSquares", sum(l * l) AS "logSumSquared", sum(l * k) AS "logSumTimesCount",
    sum(k * k) AS "successesSquared"
  FROM by_step GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ${maxVersions}
)
SELECT s.*, nullif(version, '') AS version, ${seen('s.first_step', 'ASC')} AS "firstSeen", ${seen('s.last_step', 'DESC')} AS "lastSeen"
FROM summed AS s ORDER BY "firstSeen" DESC, s.version`,
    plan.values,
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

/** Counters and money of the successes of these versions. */
export const readVersionValues = async (
  db: Queryable,
  filter: VersionFilter & { versions: readonly (string | null)[] },
): Promise<VersionValues[]> => {
  const plan = planOf({ from: filter.from, until: filter.until })
  const versions = `ANY(${plan.parameter(filter.versions.map((version) => version ?? ''))}::text[])`
  const ofSums = `${conditionOf(plan, names, filter)} AND service_version = ${versions}`
  const ofRows = `${conditionOf(plan, namesOfRows, filter)} AND coalesce(service_version, '') = ${versions}`
  const columns = 'service_version, name, currency, sum, squares'
  const { rows } = await db.query<VersionValues>(
    `WITH ${plan.cover}
SELECT nullif(service_version, '') AS version, name, nullif(currency, '') AS currency, sum(sum) AS sum, sum(squares) AS squares
FROM (
  SELECT ${columns} FROM (${partsOf('rollup_version_values', columns, ofSums)}) AS summed
  UNION ALL
  SELECT ${columns} FROM (${versionValueCells(liveOf(plan), ofRows)}) AS counted
) AS both_sources GROUP BY service_version, name, currency ORDER BY name, currency, service_version LIMIT 200`,
    plan.values,
  )
  return rows
}
