import { partsOf } from '../rollups/sql/cover.js'
import { userCells } from '../rollups/sql/row-cells.js'
import { planOf, type Queryable } from '../rollups/window.js'
import { textLiteral } from './value-filter.js'

// Unnested in the list of columns: as a function in FROM each array would be stored before it is read.
/** Different users with at least one success of these operation services, and how many successes they had. */
export const readActiveUsers = async (
  db: Queryable,
  window: { from: Date; until: Date },
  operationServices: readonly string[],
): Promise<{ users: string; rows: string }> => {
  const plan = planOf(window, 'weeks')
  const condition = servicesCondition(operationServices)
  const live = {
    range: 'row_range',
    lower: '$1::timestamptz',
    upper: '$2::timestamptz',
    start: plan.stepOf('o.started_at'),
  }
  const { rows } = await db.query<{ users: string; rows: string }>(
    `WITH ${plan.cover}, one AS (
  SELECT user_id, sum(n - failures) AS successes FROM (
    SELECT unnest(part.users) AS user_id, unnest(part.counts) AS n, unnest(part.failures) AS failures
    FROM (${partsOf('rollup_users', 'r.users, r.counts, r.failures', condition)}) AS part
    UNION ALL
    SELECT user_id, n, failures FROM (${userCells(live, condition)}) AS counted
  ) AS every GROUP BY user_id HAVING sum(n - failures) > 0
)
SELECT count(*)::text AS users, coalesce(sum(successes), 0)::text AS rows FROM one`,
    plan.values,
  )
  return rows[0] ?? { users: '0', rows: '0' }
}

export const servicesCondition = (operationServices: readonly string[]): string =>
  `operation_service IN (${operationServices.map(textLiteral).join(', ')})`
