import { coverByRows, partsOf } from '../rollups/sql/cover.js'
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

type Grain = 'o' | 's' | 'a'

/** The coarsest sums that know what is asked for. */
const grainOf = ({ service, version, operationService, operation }: SlowestQuery): Grain => {
  if (operationService !== undefined || operation !== undefined) return 'o'
  return service !== undefined || version !== undefined ? 's' : 'a'
}

/** The unit below each one that is summed up. */
const narrower = (
  relation: string,
  from: 'd' | 'h',
  grain: Grain,
  condition: string,
  limit: number,
): string => `
  SELECT r.start, r.max_us FROM (SELECT start FROM ${relation} WHERE level = '${from}' GROUP BY start) AS wide
  JOIN throughline.rollup_operations AS r ON r.grain = '${grain}' AND r.level = '${from === 'd' ? 'h' : 'm'}'
    AND r.start >= wide.start AND r.start < wide.start + interval '${from === 'd' ? '24 hours' : '1 hour'}'
  WHERE ${condition} ORDER BY r.max_us DESC, r.start LIMIT ${limit}`

/**
 * The slowest operations of a window, the slowest first: the same as by sorting its rows. The n slowest lie in the n
 * units with the largest maxima, so days are narrowed to hours, hours to minutes, and only those minutes are read.
 * What the retention has dropped is not among them.
 */
export const readSlowest = async (db: Queryable, query: SlowestQuery): Promise<OperationRecord[]> => {
  const { limit, user } = query
  const grain = grainOf(query)
  const plan = planOf(query, user !== undefined)
  const ofSums = conditionOf(plan, sumColumns, query)
  const ofRows = conditionOf(plan, rowColumns, query)
  const parts = (level: 'd' | 'h'): string =>
    `SELECT '${level}' AS level, start, max_us FROM wide WHERE level = '${level}'`
  const cover = user === undefined ? plan.cover : coverByRows
  const { rows } = await db.query<OperationRecord>(
    `WITH ${cover},
wide AS MATERIALIZED (
  SELECT level, start, max_us FROM (${partsOf('rollup_operations', 'r.level::text AS level, r.start, r.max_us', ofSums, grain)}) AS summed
  ORDER BY max_us DESC, start LIMIT ${limit}
), day AS MATERIALIZED (${parts('d')}
), hour AS MATERIALIZED (
  ${parts('h')} UNION ALL SELECT 'h', start, max_us FROM (${narrower('day', 'd', grain, ofSums, limit)}) AS part
), minute AS MATERIALIZED (
  SELECT start FROM (
    SELECT start, max_us FROM wide WHERE level = 'm' UNION ALL SELECT start, max_us FROM (${narrower('hour', 'h', grain, ofSums, limit)}) AS part
  ) AS every GROUP BY start ORDER BY max(max_us) DESC, start LIMIT ${limit}
), candidate AS (
  SELECT start AS lo, start + interval '1 minute' AS hi FROM minute UNION SELECT lo, hi FROM row_range
)
SELECT ${recordColumns} FROM (
  SELECT o.* FROM candidate AS c CROSS JOIN LATERAL (
    SELECT * FROM throughline.operations
    WHERE started_at >= c.lo AND started_at < c.hi AND started_at >= $1::timestamptz AND started_at < $2::timestamptz AND ${ofRows}
    ORDER BY duration_us DESC, started_at DESC LIMIT ${limit}
  ) AS o ORDER BY o.duration_us DESC, o.started_at DESC LIMIT ${limit}
) AS o ORDER BY o.duration_us DESC, o.started_at DESC`,
    plan.values,
  )
  return rows
}
