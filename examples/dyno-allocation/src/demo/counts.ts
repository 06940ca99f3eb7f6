import pg from 'pg'
import { type Journal, OPERATIONS_A_REQUEST } from './traffic.js'

/** What the stores hold of a journal's requests. */
export interface RowCounts {
  /** Rows of all answered requests. */
  readonly rows: number
  /** The same, each identity once. */
  readonly distinct: number
  /** Operations that the answered requests completed. */
  readonly expected: number
}

/** Counts the rows of the answered requests of a journal. */
export async function countRows(databaseUrl: string, journal: Journal): Promise<RowCounts> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000 })
  client.on('error', () => {})
  await client.connect()
  try {
    const { rows } = await client.query<{ rows: string; distinct: string }>(
      `SELECT count(*) AS rows, count(DISTINCT (trace_id, span_id)) AS distinct
       FROM throughline.operations WHERE correlation_id = ANY ($1)`,
      [journal.answered.map((answer) => answer.correlationId)],
    )
    return {
      rows: Number(rows[0]!.rows),
      distinct: Number(rows[0]!.distinct),
      expected: journal.answered.length * OPERATIONS_A_REQUEST,
    }
  } finally {
    await client.end()
  }
}
