import { partsOf } from './sql/cover.js'
import { businessCells } from './sql/row-cells.js'
import { conditionOf, planOf, type Queryable, type RollupWindow } from './window.js'

type BusinessQuery = RollupWindow & {
  name?: string
  service?: string
  operationService?: string
  operation?: string
}

export type BusinessSum = {
  /** Start of the step; of the window without steps. */
  start: Date
  name: string
  /** A sum is a counter or money; the sum of a histogram is that of its values. Gauges have no sum. */
  kind: 'sum' | 'histogram'
  labels: Record<string, string>
  /** Exact decimal. */
  sum: string
  /** How many records had a value of this name and these labels. */
  entries: number
  /** How many values a histogram had; 0 of a sum. */
  observations: number
}

type Row = Omit<BusinessSum, 'entries' | 'observations'> & { entries: string; observations: string }

const filterColumns = { service: 'service', operationService: 'operation_service', operation: 'operation' }

/**
 * Exact sums of the business values of a window per name and labels, the same as over its rows. Rejects with
 * `TL_POSTGRES_OPTION` or what Postgres says.
 */
export const readBusiness = async (
  db: Queryable,
  query: BusinessQuery,
): Promise<{ from: Date; until: Date; sums: BusinessSum[]; cut: boolean }> => {
  const plan = planOf(query)
  const condition = conditionOf(plan, filterColumns, query)
  const named = conditionOf(plan, { name: 'name' }, query)
  const live = businessCells(
    {
      range: 'row_range',
      lower: '$1::timestamptz',
      upper: '$2::timestamptz',
      start: plan.stepOf('o.started_at'),
    },
    condition,
  )
  const columns = 'name, kind, labels, sum, entries, observations'
  const summed = partsOf('rollup_business', `r.start, ${columns}`, `${condition} AND ${named}`)
  const statement = `WITH ${plan.cover}
SELECT start, name, kind, labels, sum(sum)::text AS sum, sum(entries)::int8 AS entries, sum(observations)::int8 AS observations
FROM (
  SELECT ${plan.stepOf('start')} AS start, ${columns} FROM (${summed}) AS summed
  UNION ALL
  SELECT start, ${columns} FROM (${live}) AS counted WHERE ${named}
) AS both_sources
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4 LIMIT ${plan.limit + 1}`
  const { rows } = await db.query<Row>(statement, plan.values)
  const sums = rows
    .slice(0, plan.limit)
    .map((row) => ({ ...row, entries: Number(row.entries), observations: Number(row.observations) }))
  return { from: plan.from, until: plan.until, sums, cut: rows.length > plan.limit }
}
