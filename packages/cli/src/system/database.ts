import pg from 'pg'
import { CliError } from '../errors.js'

/** The option that every command with a database has, for `parseArgs`. */
export const databaseOption = { database: { type: 'string' } } as const

/** The line of the help that goes with it. */
export const DATABASE_HELP = `  --database  postgres://user:password@host:port/database (default: THROUGHLINE_DATABASE_URL)`

/** The option, else the variable. Throws `TL_USAGE` when there is neither. */
export function databaseUrlOf(option: string | undefined): string {
  const url = option ?? process.env.THROUGHLINE_DATABASE_URL
  if (url) return url
  throw new CliError(
    'TL_USAGE',
    'Which database? Give --database postgres://user:password@host:port/database, or set THROUGHLINE_DATABASE_URL.',
  )
}

/**
 * Runs `work` with a small pool on that database and closes it. What Postgres or the network says becomes
 * `TL_LOOKUP_FAILED`: a message, never the URL, which holds a password.
 */
export async function withDatabase<T>(url: string, work: (pool: pg.Pool) => Promise<T>): Promise<T> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 2,
    connectionTimeoutMillis: 5_000,
    application_name: 'throughline cli',
  })
  pool.on('error', () => {})
  try {
    return await work(pool)
  } catch (cause) {
    if (cause instanceof CliError || !(cause instanceof Error)) throw cause
    throw new CliError('TL_LOOKUP_FAILED', `Postgres: ${databaseMessage(cause)}`, { cause })
  } finally {
    await pool.end().catch(() => {})
  }
}

function databaseMessage(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  // 3F000 and 42P01: no schema, no table.
  if (code === '3F000' || code === '42P01')
    return `${error.message}. The schema is not there, or older than this version: start a recorder, or run throughline migrate.`
  return error.message || code || error.name
}
