import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import type { Queryable } from './rollups/window.js'

/** What there is of one user, or was. */
export type UserRecords = {
  /** The days (UTC) with rows or sums of the user, ascending. */
  days: { day: string; rows: number }[]
  rows: number
  /** Records of the user that are parked in `dead_letter`. */
  parked: number
  /** Copies of `recordIn` that wait for the end of a transaction. */
  copies: number
  /** Frozen value reports over any of these days: they are never changed, and hold sums, no users. */
  frozen: { model: string; period: string; revision: number }[]
}

export type Erasure = UserRecords & {
  /** Under which the log, `throughline.erased`, has it. */
  id: string
}

// Rows are cut like that; what is asked for is the same text then.
const wanted = 'throughline.cut($1, 512)'

const daysSql = `SELECT to_char(day, 'YYYY-MM-DD') AS day, sum(n)::float8 AS rows FROM (
  SELECT (started_at AT TIME ZONE 'UTC')::date AS day, count(*) AS n FROM throughline.operations
  WHERE user_id = ${wanted} GROUP BY 1
  UNION ALL
  SELECT DISTINCT (start AT TIME ZONE 'UTC')::date, 0 FROM throughline.rollup_users WHERE ${wanted} = ANY(users)
) AS one GROUP BY 1 ORDER BY 1`

const waitingSql = `SELECT
  (SELECT count(*) FROM throughline.dead_letter WHERE throughline.user_of(convert_from(body, 'UTF8')) = ${wanted})::float8 AS parked,
  (SELECT count(*) FROM throughline.in_tx WHERE throughline.user_of(record) = ${wanted})::float8 AS copies`

const frozenSql = `SELECT model, period, revision FROM throughline.value_reports AS frozen WHERE EXISTS (
  SELECT FROM unnest($1::date[]) AS day
  WHERE (frozen.report->'period'->>'from')::timestamptz < (day + 1)::timestamp AT TIME ZONE 'UTC'
    AND (frozen.report->'period'->>'until')::timestamptz > day::timestamp AT TIME ZONE 'UTC')
ORDER BY model, period, revision`

/** What `eraseUser` would erase. Changes nothing; role throughline_reader is enough. */
export const recordsOfUser = async (pool: Pool, user: string): Promise<UserRecords> => {
  const { rows: days } = await pool.query<{ day: string; rows: number }>(daysSql, [user])
  const { rows: waiting } = await pool.query<{ parked: number; copies: number }>(waitingSql, [user])
  const { rows: frozen } = await pool.query<UserRecords['frozen'][number]>(frozenSql, [
    days.filter(({ rows }) => rows > 0).map(({ day }) => day),
  ])
  return { days, rows: days.reduce((sum, { rows }) => sum + rows, 0), ...waiting[0]!, frozen }
}

/**
 * Deletes what is stored of one user: rows, parked records and waiting copies, and the user's name from the sums, one day a transaction,
 * the oldest first. May be cut and repeated at any point; what arrives later is not covered. The role is a member of throughline_owner.
 * What Postgres says passes through.
 */
export const eraseUser = async (pool: Pool, user: string): Promise<Erasure> => {
  const before = await recordsOfUser(pool, user)
  const erasure: Erasure = { ...before, id: randomUUID(), days: [], rows: 0 }
  for (const { day } of before.days) {
    const { rows } = await pool.query<{ n: number }>(
      `SELECT erased_rows::float8 AS n FROM throughline.erase_day($2, ${wanted}, $3)`,
      [user, erasure.id, day],
    )
    erasure.days.push({ day, rows: rows[0]!.n })
    erasure.rows += rows[0]!.n
  }
  const { rows } = await pool.query<{ parked: number; copies: number }>(
    `SELECT erased_parked::float8 AS parked, erased_copies::float8 AS copies FROM throughline.erase_waiting($2, ${wanted})`,
    [user, erasure.id],
  )
  return { ...erasure, ...rows[0]! }
}

/** How many rows of these days (UTC, `until` not included) were erased: whoever reads sums of them says so. */
export const erasedRows = async (db: Queryable, window: { from: Date; until: Date }): Promise<number> => {
  const { rows } = await db.query<{ n: number }>(
    `SELECT throughline.erased_rows(($1::timestamptz AT TIME ZONE 'UTC')::date, (($2::timestamptz + interval '1 day' - interval '1 microsecond') AT TIME ZONE 'UTC')::date)::float8 AS n`,
    [window.from, window.until],
  )
  return rows[0]?.n ?? 0
}
