import { hash } from 'node:crypto'
import pg from 'pg'
import { PostgresError } from './errors.js'
import { type Migration, migrations } from './migrations/index.js'

/** What `migrate` needs of a connection: one session of node-postgres, not a pool. */
type MigrationClient = {
  query: (sql: string, values?: unknown[]) => Promise<{ rows: unknown[] }>
}

type MigrateOptions = {
  /** Longest wait for another process that migrates the same database, in ms. Default 60,000. */
  turnTimeoutMs?: number
  /** Longest wait of one migration for a lock on a table, in ms. Default 3,000: writers queue behind that wait. */
  lockTimeoutMs?: number
  /** Longest time to connect, in ms, when a URL was given. Default 5,000. */
  connectTimeoutMs?: number
}

/** An arbitrary number, the same in every process that migrates. */
const lockKey = 7305472210

const preamble = `CREATE SCHEMA IF NOT EXISTS throughline;
CREATE TABLE IF NOT EXISTS throughline.schema_version (
  n int4 PRIMARY KEY,
  sha256 text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
);`

const sha256Of = (migration: Migration): string => hash('sha256', migration.sql)

const record = (migration: Migration): string =>
  `INSERT INTO throughline.schema_version (n, sha256) VALUES (${migration.n}, '${sha256Of(migration)}');`

/** The whole schema as one SQL text for a DBA to run with psql: it leaves what `migrate` would leave. */
export const printMigrations = (): string =>
  [
    preamble,
    ...migrations.map(
      (migration) =>
        `-- ${String(migration.n).padStart(4, '0')} ${migration.name}\nBEGIN;${migration.sql}${record(migration)}\nCOMMIT;`,
    ),
  ].join('\n\n')

/**
 * Brings schema `throughline` to this version and answers with the numbers that were applied now. Any number of
 * processes may call it at once; each migration is one transaction. A database that is up to date is only read, so a
 * role without the right to create tables can start. Throws `TL_MIGRATION_CHANGED` or `TL_SCHEMA_NEWER` before it
 * touches anything; what Postgres says passes through.
 */
export const migrate = async (
  database: string | MigrationClient,
  options: MigrateOptions = {},
): Promise<number[]> => {
  if (typeof database !== 'string') return run(database, options)
  const client = new pg.Client({
    connectionString: database,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    application_name: 'throughline migrate',
    keepAlive: true,
  })
  // A connection that breaks while idle between two statements would otherwise end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    return await run(client, options)
  } finally {
    await client.end()
  }
}

const run = async (client: MigrationClient, options: MigrateOptions): Promise<number[]> => {
  if ((await pending(client)).length === 0) return []
  await lock(client, options.turnTimeoutMs ?? 60_000)
  try {
    await client.query(preamble)
    const missing = await pending(client)
    for (const migration of missing) await apply(client, migration, options.lockTimeoutMs ?? 3_000)
    return missing.map((migration) => migration.n)
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [lockKey]).catch(() => {})
  }
}

/** SET LOCAL, so that a caller's connection keeps its own setting; the lock itself is the session's. */
const lock = (client: MigrationClient, timeoutMs: number): Promise<unknown> =>
  inBlock(client, `SET LOCAL lock_timeout = ${Math.floor(timeoutMs)}; SELECT pg_advisory_lock(${lockKey});`)

const apply = (client: MigrationClient, migration: Migration, lockTimeoutMs: number): Promise<unknown> =>
  inBlock(
    client,
    `SET LOCAL lock_timeout = ${Math.floor(lockTimeoutMs)};${migration.sql}${record(migration)}`,
  )

const inBlock = async (client: MigrationClient, sql: string): Promise<void> => {
  try {
    await client.query(`BEGIN;${sql}`)
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {})
    throw error
  }
}

/** The migrations that the database does not have; throws when it has others than these. */
const pending = async (client: MigrationClient): Promise<readonly Migration[]> => {
  const found = await client.query(`SELECT to_regclass('throughline.schema_version') IS NOT NULL AS found`)
  if (!(found.rows[0] as { found: boolean }).found) return migrations
  const result = await client.query('SELECT n, sha256 FROM throughline.schema_version ORDER BY n')
  const applied = new Map((result.rows as { n: number; sha256: string }[]).map((row) => [row.n, row.sha256]))
  for (const migration of migrations) {
    const sha256 = applied.get(migration.n)
    if (sha256 !== undefined && sha256 !== sha256Of(migration))
      throw new PostgresError(
        'TL_MIGRATION_CHANGED',
        `migration ${migration.n} (${migration.name}) of this database is ${sha256.slice(0, 12)}, this version has ${sha256Of(migration).slice(0, 12)}: the database was made by another build; restore it or begin with an empty schema throughline`,
      )
  }
  const newest = Math.max(0, ...applied.keys())
  if (newest > migrations.length)
    throw new PostgresError(
      'TL_SCHEMA_NEWER',
      `this database is at migration ${newest}, this version knows ${migrations.length}: start the newer version`,
    )
  return migrations.filter((migration) => !applied.has(migration.n))
}
