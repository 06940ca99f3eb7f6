import { partsOf } from './sql/cover.js'
import { userCells } from './sql/row-cells.js'
import { conditionOf, planOf, type Queryable, type RollupWindow } from './window.js'

type UserQuery = RollupWindow & { operationService?: string }

export type UserFigures = { user: string; count: number; failures: number }

export type UserStep = {
  /** Start of the step; of the window without steps. */
  start: Date
  /** How many different users had an operation. */
  users: number
  count: number
  failures: number
  /** Those with the most operations, at most `limit` of them. */
  top: UserFigures[]
}

type Row = { start: Date; users: string; count: string; failures: string; top: UserFigures[] }

/**
 * Who used it: different users per step (`stepMs` of a day: users per day) and of the whole window without steps.
 * Operations without a user are not in it. Rejects with `TL_POSTGRES_OPTION` or what Postgres says.
 */
export const readUsers = async (
  db: Queryable,
  query: UserQuery,
): Promise<{ from: Date; until: Date; steps: UserStep[] }> => {
  const plan = planOf({ limit: 100, ...query }, 'weeks')
  const condition = conditionOf(plan, { operationService: 'operation_service' }, query)
  const live = userCells(
    {
      range: 'row_range',
      lower: '$1::timestamptz',
      upper: '$2::timestamptz',
      start: plan.stepOf('o.started_at'),
    },
    condition,
  )
  const statement = `WITH ${plan.cover}, one AS (
  SELECT start, user_id, sum(n)::int8 AS n, sum(failures)::int8 AS failures,
    row_number() OVER (PARTITION BY start ORDER BY sum(n) DESC, user_id COLLATE "C") AS place
  FROM (
    SELECT ${plan.stepOf('part.start')} AS start, u.user_id, u.n, u.failures
    FROM (${partsOf('rollup_users', 'r.start, r.users, r.counts, r.failures', condition)}) AS part,
      unnest(part.users, part.counts, part.failures) AS u(user_id, n, failures)
    UNION ALL
    SELECT start, user_id, n, failures FROM (${live}) AS counted
  ) AS both_sources GROUP BY 1, 2
)
SELECT start, count(*) AS users, sum(n)::int8 AS count, sum(failures)::int8 AS failures,
  json_agg(json_build_object('user', user_id, 'count', n, 'failures', failures) ORDER BY place)
    FILTER (WHERE place <= ${plan.limit}) AS top
FROM one GROUP BY 1 ORDER BY 1`
  const { rows } = await db.query<Row>(statement, plan.values)
  const steps = rows.map((row) => ({
    ...row,
    users: Number(row.users),
    count: Number(row.count),
    failures: Number(row.failures),
  }))
  return { from: plan.from, until: plan.until, steps }
}
