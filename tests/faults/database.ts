import pg from 'pg'

/** The oracle's own way to the rows: past every proxy, with a connection that comes back after each fault. */
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
      try {
        return (await pool.query(text, values)).rows
      } catch (error) {
        // The pool hands out a connection whose server was killed meanwhile; the next one is new.
        if (!/terminat|ECONNRESET|Connection/.test(String(error))) throw error
        return (await pool.query(text, values)).rows
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
