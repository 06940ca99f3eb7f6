import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'

/** How long Postgres may take to recover from a crash, in ms. */
const PATIENCE_MS = 15_000

/** The oracle's own way to the rows: past every proxy, and waiting for a Postgres that recovers. */
export interface Database {
  readonly url: string
  query<T extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<T[]>
  /** A session of its own, for locks and transactions; the caller ends it. */
  session(): Promise<pg.Client>
  close(): Promise<void>
}

export function openDatabase(url: string): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max: 2,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 60_000,
    application_name: 'faults',
  })
  pool.on('error', () => {})
  return {
    url,
    async query(text, values) {
      const deadline = performance.now() + PATIENCE_MS
      for (;;) {
        try {
          return (await pool.query(text, values)).rows
        } catch (error) {
          if (!isAway(error) || performance.now() > deadline) throw error
          await delay(50)
        }
      }
    },
    async session() {
      const client = new pg.Client({ connectionString: url, application_name: 'faults' })
      client.on('error', () => {})
      await client.connect()
      return client
    },
    close: () => pool.end(),
  }
}

/** Class 57P of the SQL standard's states: shutting down, crashed, starting. The rest is of sockets whose server went away. */
function isAway(error: unknown): boolean {
  const code = (error as { code?: string }).code ?? ''
  return code.startsWith('57P') || /^E[A-Z]+$/.test(code) || /Connection terminated/.test(String(error))
}
