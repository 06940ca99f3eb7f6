import type { Pool } from 'pg'

export type StoredSynthetic = {
  service: string
  /** When its sender sent it; null if it said no time that can be one. */
  startedAt: Date | null
  /** When the recorder took it, by the recorder's clock. */
  receivedAt: Date
  /** When it was stored, by the clock of Postgres. */
  recordedAt: Date
}

/** Undefined while it has not arrived, and an hour later. */
export const readSynthetic = async (
  db: Pick<Pool, 'query'>,
  id: string,
): Promise<StoredSynthetic | undefined> => {
  const { rows } = await db.query<StoredSynthetic>(
    `SELECT service, started_at AS "startedAt", received_at AS "receivedAt", recorded_at AS "recordedAt"
     FROM throughline.synthetic_operations WHERE id = $1`,
    [id],
  )
  return rows[0]
}
