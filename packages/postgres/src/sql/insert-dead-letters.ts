import { createHash } from 'node:crypto'
import type { PoolClient } from 'pg'
import { cleanText } from '../clean-text.js'
import type { DeadLetter } from '../operation-row.js'

const statement = `INSERT INTO throughline.dead_letter (digest, sqlstate, reason, body, instance, seq)
  SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::bytea[], $5::uuid[], $6::int8[]) ON CONFLICT DO NOTHING`

/** Parks the records; one that is parked already adds nothing. Sorted by key, as two writers may hold the same ones. */
export const insertDeadLetters = async (
  client: PoolClient,
  letters: readonly DeadLetter[],
): Promise<void> => {
  if (letters.length === 0) return
  const keyed = letters
    .map((letter) => {
      const body = Buffer.from(letter.body)
      return { letter, body, digest: createHash('sha256').update(body).digest() }
    })
    .sort((a, b) => Buffer.compare(a.digest, b.digest))
  await client.query(statement, [
    keyed.map((entry) => entry.digest),
    keyed.map((entry) => entry.letter.sqlState),
    keyed.map((entry) => cleanText(entry.letter.reason)),
    keyed.map((entry) => entry.body),
    keyed.map((entry) => entry.letter.instance ?? null),
    keyed.map((entry) => entry.letter.seq ?? null),
  ])
}
