import { hash } from 'node:crypto'
import pg from 'pg'
import { PostgresError, sqlStateOf } from './errors.js'
import { type Migration, migrations } from './migrations/index.js'
import { sessionGuards } from './session-guards.js'

/** What `migrate` needs of a connection: one session of node-postgres, not a pool. */
type MigrationClient = {
  query: (sql: string, values?: unknown[]) => Promise<{ rows: unknown[] }>
}

type MigrateOptions = {
  /** Longest wait for another process that migrates the same database, in ms. Default 60,000. */
  turnTimeoutMs?: number
  /** Longest wait of one migration for a lock on a table, in ms. Default 3,000: writers queue behind that wait. */
  lockTimeoutMs?: number
  /** How often one migration tries for its locks, each time for `lockTimeoutMs`. Default 5. */
  attempts?: number
  /** Longest time to connect, in ms, when a URL was given. Default 5,000. */
  connectTimeoutMs?: number
  /** Change nothing: answer with the numbers that are missing. Default false. */
  compareOnly?: boolean
}

/** An arbitrary number, the same in every process that migrates. */
const lockKey = 7305472210

const versionTable = `CREATE TABLE IF NOT EXISTS throughline.schema_version (
  n int4 PRIMARY KEY,
  sha256 text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
);`

const preamble = `CREATE SCHEMA IF NOT EXISTS throughline;
${versionTable}`

const sha256Of = (migration: Migration): string => hash('sha256', migration.sql)

const record = (migration: Migration): string =>
  `INSERT INTO throughline.schema_version (n, sha256) VALUES (${migration.n}, '${sha256Of(migration)}');`

/**
 * The schema as one SQL text for a DBA to run with psql: it leaves what `migrate` would leave. All of it, or only the
 * migrations of these numbers, for a database that has the others.
 */
export const printMigrations = (numbers?: readonly number[]): string =>
  [
    preamble,
    ...migrations
      .filter((migration) => numbers === undefined || numbers.includes(migration.n))
      .map(
        (migration) =>
          `-- ${String(migration.n).padStart(4, '0')} ${migration.name}\nBEGIN;${migration.sql}${record(migration)}\nCOMMIT;`,
      ),
  ].join('\n\n')

/**
 * Brings schema `throughline` to this version and answers with the numbers that were applied now. Any number of
 * processes may call it at once; each migration is one transaction. A database that is up to date is only read, so a
 * role without the right to create tables can start; `TL_SCHEMA_OLDER` when it is not. Throws `TL_MIGRATION_CHANGED` or
 * `TL_SCHEMA_NEWER` before it touches anything; what Postgres says passes through.
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
    ...sessionGuards,
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
  const behind = numbersOf(await pending(client))
  if (behind.length === 0 || options.compareOnly === true) return behind
  await assertRights(client, behind)
  await lock(client, options.turnTimeoutMs ?? 60_000)
  try {
    await begin(client)
    const missing = await pending(client)
    for (const migration of missing) await apply(client, migration, options)
    return numbersOf(missing)
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [lockKey]).catch(() => {})
  }
}

const numbersOf = (list: readonly Migration[]): number[] => list.map((migration) => migration.n)

const assertRights = async (client: MigrationClient, behind: readonly number[]): Promise<void> => {
  const { rows } = await client.query(
    `SELECT current_user AS role, coalesce(
       (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class
        WHERE relname = 'schema_version' AND relnamespace = to_regnamespace('throughline')),
       has_schema_privilege(to_regnamespace('throughline'), 'CREATE'),
       has_database_privilege(current_database(), 'CREATE')) AS may`,
  )
  const { role, may } = rows[0] as { role: string; may: boolean }
  if (!may)
    throw new PostgresError(
      'TL_SCHEMA_OLDER',
      `this database lacks migration ${behind.join(', ')} and role ${role} may not make them: run \`throughline migrate\` as a member of throughline_owner`,
    )
}

/** Nothing where the schema is there: even IF NOT EXISTS asks for a right that a member of the owner need not have. */
const begin = async (client: MigrationClient): Promise<void> => {
  const { rows } = await client.query(
    `SELECT to_regnamespace('throughline') IS NOT NULL AS schema, to_regclass('throughline.schema_version') IS NOT NULL AS version`,
  )
  const found = rows[0] as { schema: boolean; version: boolean }
  if (!found.schema) await client.query(preamble)
  else if (!found.version) await client.query(versionTable)
}

/** SET LOCAL, so that a caller's connection keeps its own setting; the lock itself is the session's. */
const lock = (client: MigrationClient, timeoutMs: number): Promise<unknown> =>
  inBlock(client, `SET LOCAL lock_timeout = ${Math.floor(timeoutMs)}; SELECT pg_advisory_lock(${lockKey});`)

/** A lock that is not had in time is given back before the next attempt: whoever queued behind it gets through. */
const apply = async (
  client: MigrationClient,
  migration: Migration,
  options: MigrateOptions,
): Promise<void> => {
  const lockTimeoutMs = Math.floor(options.lockTimeoutMs ?? 3_000)
  for (let attemptsLeft = (options.attempts ?? 5) - 1; ; attemptsLeft -= 1) {
    try {
      return await inBlock(
        client,
        `SET LOCAL lock_timeout = ${lockTimeoutMs};${migration.sql}${record(migration)}`,
      )
    } catch (error) {
      if (attemptsLeft <= 0 || !/^(?:55P03|40P01)$/.test(sqlStateOf(error) ?? '')) throw error
    }
  }
}

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
  const known = Math.max(...migrations.map((migration) => migration.n))
  if (newest > known)
    throw new PostgresError(
      'TL_SCHEMA_NEWER',
      `this database is at migration ${newest}, this version knows ${known}: start the newer version`,
    )
  return migrations.filter((migration) => !applied.has(migration.n))
}
