import type { Queryable } from '../rollups/window.js'
import { filterCondition, type OperationFilter, parametersOf } from './operation-filter.js'

export type UsersOf = {
  /** Different ones. */
  users: number
  count: number
  failures: number
  top: { user: string; count: number; failures: number }[]
}

/** Who had operations of a filter, from its rows: for one operation or one version, which no sums are kept for. */
export const readUsersOf = async (
  db: Queryable,
  filter: OperationFilter & { limit: number },
): Promise<UsersOf> => {
  const parameters = parametersOf()
  const condition = filterCondition(filter, parameters)
  const { rows } = await db.query<{ users: string; count: string; failures: string; top: UsersOf['top'] }>(
    `WITH one AS (
  SELECT user_id, count(*) AS n, count(*) FILTER (WHERE NOT success) AS failures,
    row_number() OVER (ORDER BY count(*) DESC, user_id COLLATE "C") AS place
  FROM throughline.operations WHERE user_id <> '' AND ${condition} GROUP BY user_id
)
SELECT count(*) AS users, coalesce(sum(n), 0)::int8 AS count, coalesce(sum(failures), 0)::int8 AS failures,
  coalesce(json_agg(json_build_object('user', user_id, 'count', n, 'failures', failures) ORDER BY place)
    FILTER (WHERE place <= ${filter.limit}), '[]') AS top
FROM one`,
    parameters.values,
  )
  const { users, count, failures, top } = rows[0]!
  return { users: Number(users), count: Number(count), failures: Number(failures), top }
}
