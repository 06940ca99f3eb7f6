import type { Pool } from 'pg'

type SettleOptions = {
  /** How long after its copy came a key that no transaction holds is given up as rolled back, in ms. */
  rolledBackAfterMs: number
  /** Copies that are looked at in one call. Default 200. */
  most?: number
}

/** What one call did. */
export type Settled = {
  /** The row was there. */
  duplicates: number
  /** No transaction held the key any more. */
  rolledBack: number
  /** The record can never be stored: it is in `dead_letter`. */
  parked: number
  /** The transaction is open, or the time to decide has not come. */
  waiting: number
  /** When the next copy is due, in ms from now; undefined when none waits. */
  nextMs: number | undefined
}

type Row = {
  duplicates: number
  rolled_back: number
  parked: number
  waiting: number
  next_ms: number | null
}

/**
 * Settles copies that wait in `throughline.in_tx`. Any number of processes may do so at once: none looks at what another has in hand.
 * Takes a quarter of a second at most, more only by one statement.
 */
export const settleInTx = async (pool: Pool, options: SettleOptions): Promise<Settled> => {
  const result = await pool.query<Row>({
    name: 'throughline.settle_in_tx',
    text: `SELECT * FROM throughline.settle_in_tx($1::float8 * interval '1 millisecond', $2)`,
    values: [options.rolledBackAfterMs, options.most ?? 200],
  })
  const [row] = result.rows
  return {
    duplicates: row?.duplicates ?? 0,
    rolledBack: row?.rolled_back ?? 0,
    parked: row?.parked ?? 0,
    waiting: row?.waiting ?? 0,
    nextMs: row?.next_ms ?? undefined,
  }
}
