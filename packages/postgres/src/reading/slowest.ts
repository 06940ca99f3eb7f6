import type { Grain } from '../rollups/levels.js'
import { partsOf } from '../rollups/sql/cover.js'
import { conditionOf, planOf, type Queryable } from '../rollups/window.js'
import { type OperationRecord, recordColumns } from './operation-columns.js'

export type SlowestQuery = {
  from: Date
  until: Date
  service?: string | undefined
  version?: string | undefined
  operationService?: string | undefined
  operation?: string | undefined
  user?: string | undefined
  limit: number
}

const sumColumns = {
  service: 'r.service',
  version: 'r.service_version',
  operationService: 'r.operation_service',
  operation: 'r.operation',
}
const rowColumns = {
  service: 'service',
  version: 'service_version',
  operationService: 'operation_service',
  operation: 'operation',
  user: 'user_id',
}

/** The coarsest sums that know what is asked for. */
const grainOf = ({ service, version, operationService, operation }: SlowestQuery): Grain => {
  if (operationService !== undefined || operation !== undefined) return 'o'
  if (service !== undefined) return 's'
  return version === undefined ? 'a' : 'v'
}

/** The unit below each one that is summed up. */
const narrower = (
  relation: string,
  from: keyof typeof below,
  grain: Grain,
  condition: string,
  limit: number,
): string => `
  SELECT r.start, r.max_us FROM (SELECT DISTINCT start FROM ${relation}) AS wide CROSS JOIN LATERAL (
    SELECT r.start, r.max_us FROM throughline.rollup_operations AS r
    WHERE r.grain = '${grain}' AND r.level = '${below[from].level}'
      AND r.start >= wide.start AND r.start < wide.start + interval '${below[from].span}' AND ${condition} OFFSET 0
  ) AS r ORDER BY r.max_us DESC, r.start DESC LIMIT ${limit}`

const below = {
  d: { level: 'h', span: '24 hours' },
  h: { level: 'f', span: '1 hour' },
  f: { level: 'm', span: '5 minutes' },
} as const

/**
 * The slowest operations of a window, the slowest first: the same as by sorting its rows. The n slowest lie in the n
 * units with the largest maxima, so days are narrowed to hours, hours to five minutes and these to minutes, and only
 * those minutes are read; no row is sorted that is faster than the least of these maxima.
 * What the retention has dropped is not among them.
 */
export const readSlowest = async (db: Queryable, query: SlowestQuery): Promise<OperationRecord[]> => {
  const { limit, user } = query
  const grain = grainOf(query)
  const plan = planOf(query, user === undefined ? 'fives' : 'rows')
  const ofSums = conditionOf(plan, sumColumns, query)
  const ofRows = conditionOf(plan, rowColumns, query)
  const parts = (level: keyof typeof below | 'm'): string =>
    `SELECT start, max_us FROM wide WHERE level = '${level}'`
  const narrowed = (relation: string, from: keyof typeof below): string =>
    `SELECT start, max_us FROM (${narrower(relation, from, grain, ofSums, limit)}) AS ${relation}_part`
  const { rows } = await db.query<OperationRecord>(
    `WITH ${plan.cover},
wide AS MATERIALIZED (
  SELECT level, start, max_us FROM (${partsOf('rollup_operations', 'r.level::text AS level, r.start, r.max_us', ofSums, grain)}) AS summed
  WHERE start >= (SELECT floor FROM throughline.rollup_floor) ORDER BY max_us DESC, start DESC LIMIT ${limit}
), day AS MATERIALIZED (${parts('d')}
), hour AS MATERIALIZED (
  ${parts('h')} UNION ALL ${narrowed('day', 'd')}
), five AS MATERIALIZED (
  ${parts('f')} UNION ALL ${narrowed('hour', 'h')}
), minute AS MATERIALIZED (
  SELECT start, max(max_us) AS max_us FROM (
    ${parts('m')} UNION ALL ${narrowed('five', 'f')}
  ) AS every GROUP BY start ORDER BY 2 DESC, start DESC LIMIT ${limit}
), least AS MATERIALIZED (
  SELECT CASE WHEN count(*) = ${limit} THEN min(max_us) ELSE 0 END AS us FROM minute
), candidate AS (
  SELECT start AS lo, start + interval '1 minute' AS hi FROM minute UNION SELECT lo, hi FROM row_range
)
SELECT ${recordColumns} FROM (
  SELECT o.* FROM candidate AS c CROSS JOIN LATERAL (
    SELECT * FROM throughline.operations
    WHERE started_at >= c.lo AND started_at < c.hi AND started_at >= $1::timestamptz AND started_at < $2::timestamptz AND ${ofRows}
      AND duration_us >= (SELECT us FROM least)
    ORDER BY duration_us DESC, started_at DESC LIMIT ${limit}
  ) AS o ORDER BY o.duration_us DESC, o.started_at DESC LIMIT ${limit}
) AS o ORDER BY o.duration_us DESC, o.started_at DESC`,
    plan.values,
  )
  return rows
}
