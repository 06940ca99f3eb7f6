import type { Queryable } from '../rollups/window.js'
import { type OperationRecord, recordColumns, timeText } from './operation-columns.js'

export type Newest = {
  /** In the order in which they were stored. */
  rows: OperationRecord[]
  /** The clock of the database, RFC 3339 with microseconds. */
  at: string
  /** There were more than one look takes. */
  cut: boolean
}

/** What one look reads and answers at most: some 20 ms of Postgres a second, however much is written. */
const maxRead = 5_000
const maxRows = 1_000

/**
 * What was stored since then, of operations that began in the last 15 minutes. `since` should lie some seconds back:
 * a row bears the time at which its transaction began and is seen when it ends. Undefined: nothing but the clock.
 */
export const readNewest = async (db: Queryable, since: string | undefined): Promise<Newest> => {
  if (since === undefined) {
    const { rows } = await db.query<{ at: string }>(`SELECT ${timeText('now()')} AS at`)
    return { rows: [], at: rows[0]!.at, cut: false }
  }
  const { rows } = await db.query<OperationRecord & { at: string; read: string }>(
    `WITH newest AS MATERIALIZED (
  SELECT * FROM throughline.operations WHERE started_at > now() - interval '15 minutes' AND started_at < now() + interval '1 minute'
  ORDER BY started_at DESC LIMIT ${maxRead}
)
SELECT ${recordColumns}, ${timeText('now()')} AS at, (SELECT count(*) FROM newest AS n WHERE n.recorded_at >= $1::timestamptz) AS read
FROM newest AS o WHERE o.recorded_at >= $1::timestamptz ORDER BY o.recorded_at DESC, o.started_at DESC LIMIT ${maxRows + 1}`,
    [since],
  )
  const first = rows[0]
  if (first === undefined) return readNewest(db, undefined)
  return {
    rows: rows
      .slice(0, maxRows)
      .reverse()
      .map(({ at: _, read: __, ...row }) => row),
    at: first.at,
    cut: rows.length > maxRows || Number(first.read) >= maxRead,
  }
}
