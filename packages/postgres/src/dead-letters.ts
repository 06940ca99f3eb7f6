import type { Pool } from 'pg'

/** One parked record without its bytes. */
export type ParkedRecord = {
  /** sha256 of the body in hex: its beginning is enough wherever an ID is asked for. */
  id: string
  parkedAt: Date
  reason: string
  sqlState: string | null
  /** Length of the body in bytes. */
  bytes: number
  instance: string | null
  /** Decimal digits. */
  seq: string | null
  retries: number
  retriedAt: Date | null
}

const columns = `encode(digest, 'hex') AS id, parked_at AS "parkedAt", reason, sqlstate AS "sqlState",
  octet_length(body) AS bytes, instance, seq, retries, retried_at AS "retriedAt"`

/** The newest first. */
export const listDeadLetters = async (
  pool: Pool,
  options: { limit: number },
): Promise<{ total: number; letters: ParkedRecord[] }> => {
  const count = await pool.query<{ n: string }>('SELECT count(*) AS n FROM throughline.dead_letter')
  const { rows } = await pool.query<ParkedRecord>(
    `SELECT ${columns} FROM throughline.dead_letter ORDER BY parked_at DESC, digest LIMIT $1`,
    [options.limit],
  )
  return { total: Number(count.rows[0]!.n), letters: rows }
}

/** Those whose ID begins with these hex digits, with their bodies; two are enough to know that it is not one. */
export const findDeadLetters = async (
  pool: Pool,
  idPrefix: string,
): Promise<(ParkedRecord & { body: Buffer })[]> => {
  const { rows } = await pool.query<ParkedRecord & { body: Buffer }>(
    `SELECT ${columns}, body FROM throughline.dead_letter WHERE starts_with(encode(digest, 'hex'), $1)
     ORDER BY digest LIMIT 2`,
    [idPrefix.toLowerCase()],
  )
  return rows
}

/** The clock of the database as text: a `Date` would cut its microseconds. */
export const databaseTime = async (pool: Pool): Promise<string> =>
  (await pool.query<{ now: string }>('SELECT now()::text AS now')).rows[0]!.now

/** The next ones in the order of IDs, parked until then: a walk over all of them that meets each once. */
export const nextDeadLetters = async (
  pool: Pool,
  walk: { afterId: string; until: string; limit: number },
): Promise<{ id: string; body: Buffer }[]> => {
  const { rows } = await pool.query<{ id: string; body: Buffer }>(
    `SELECT encode(digest, 'hex') AS id, body FROM throughline.dead_letter
     WHERE digest > decode($1, 'hex') AND parked_at <= $2 ORDER BY digest LIMIT $3`,
    [walk.afterId, walk.until, walk.limit],
  )
  return rows
}

export const removeDeadLetters = async (pool: Pool, ids: readonly string[]): Promise<void> => {
  await pool.query(
    `DELETE FROM throughline.dead_letter WHERE digest = ANY (SELECT decode(id, 'hex') FROM unnest($1::text[]) AS id)`,
    [ids],
  )
}

/** Notes that these were tried again and must stay, and why by now. */
export const keepDeadLetters = async (
  pool: Pool,
  kept: readonly { id: string; reason: string }[],
): Promise<void> => {
  await pool.query(
    `UPDATE throughline.dead_letter AS letter SET retries = retries + 1, retried_at = now(), reason = given.reason
     FROM unnest($1::text[], $2::text[]) AS given (id, reason) WHERE letter.digest = decode(given.id, 'hex')`,
    [kept.map(({ id }) => id), kept.map(({ reason }) => reason)],
  )
}
