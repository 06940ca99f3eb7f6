import type { Pool } from 'pg'
import { PostgresError } from '../errors.js'
import { migrate } from '../migrate.js'
import { migrations } from '../migrations/index.js'

export type Checks = {
  /** The clock of Postgres. */
  at: Date
  /** As `18.0`, without what a distribution adds. */
  version: string
  schema: {
    /** The highest migration that the database has; 0 without any. */
    applied: number
    /** The highest that this version knows. */
    known: number
    /** Those that the database lacks. */
    missing: number[]
    /** Why the database cannot be brought to this version: it is a later one, or of another build. */
    fault: string | null
  }
  partitions: {
    /** The last day (UTC) up to which there is one for every day; null when today has none. */
    through: string | null
    /** Days from today on that lack theirs. */
    missing: string[]
  }
}

const facts = `SELECT clock_timestamp() AS at, split_part(current_setting('server_version'), ' ', 1) AS version,
  (SELECT coalesce(max(n), 0) FROM throughline.schema_version) AS applied`

const days = `SELECT to_char(day, 'YYYY-MM-DD') AS day, EXISTS (
    SELECT FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid
    WHERE inhparent = 'throughline.operations'::regclass AND NOT inhdetachpending
      AND c.relname = 'operations_' || to_char(day, 'YYYYMMDD')) AS found
  FROM generate_series(0, $1::int4) AS ahead, LATERAL (SELECT (now() AT TIME ZONE 'UTC')::date + ahead AS day) AS wanted
  ORDER BY day`

/** What has to be right in the database before records can be stored today and tomorrow. Changes nothing. */
export const readChecks = async (
  db: Pick<Pool, 'query'>,
  options: { aheadDays: number },
): Promise<Checks> => {
  const { rows } = await db.query<{ at: Date; version: string; applied: number }>(facts)
  const { at, version, applied } = rows[0]!
  const wanted = (await db.query<{ day: string; found: boolean }>(days, [options.aheadDays])).rows
  const missing = wanted.filter(({ found }) => !found).map(({ day }) => day)
  const covered = wanted.filter(({ day }) => missing[0] === undefined || day < missing[0])
  return {
    at,
    version,
    schema: { applied, known: Math.max(...migrations.map(({ n }) => n)), ...(await compared(db)) },
    partitions: { through: covered.at(-1)?.day ?? null, missing },
  }
}

const compared = async (db: Pick<Pool, 'query'>): Promise<Pick<Checks['schema'], 'missing' | 'fault'>> => {
  try {
    const query = (sql: string, values?: unknown[]) => db.query(sql, values)
    return { missing: await migrate({ query }, { compareOnly: true }), fault: null }
  } catch (error) {
    if (!(error instanceof PostgresError)) throw error
    return { missing: [], fault: error.message }
  }
}
