/** Every code of this package with the condition behind it; `docs/reference/errors.md` lists the same ones. */
export const codes = {
  TL_MIGRATION_CHANGED: 'A migration that this database has applied is not the one in this version.',
  TL_SCHEMA_NEWER: 'The database was migrated by a later version than this one.',
  TL_SCHEMA_OLDER: 'The database lacks migrations, and this role may not make them.',
  TL_POSTGRES_OPTION: 'An option is out of its range.',
  TL_NOT_COMMITTED: 'Postgres answered COMMIT with a rollback.',
  TL_NOT_A_TRANSACTION: 'What recordIn was given is not an open transaction.',
} as const

type PostgresErrorCode = keyof typeof codes

/** What this package refuses by itself. Faults of Postgres pass through as they are: `isRetryable` sorts them. */
export class PostgresError extends Error {
  override readonly name = 'PostgresError'
  readonly code: PostgresErrorCode

  constructor(code: PostgresErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** The five-character SQLSTATE of an error that Postgres itself sent, else undefined. */
export const sqlStateOf = (error: unknown): string | undefined => {
  if (!(error instanceof Error) || !('code' in error) || !('severity' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

// 08 connection, 40 rollback (deadlock, serialization), 53 resources, 55006 a partition that is being dropped,
// 55P03 lock_timeout, 57 operator and statement_timeout, 58 system (disk), 25006 a primary that has just become a standby, 25P03 a transaction
// that was silent for too long.
const retryableState = /^(?:08...|40...|53...|55006|55P03|57...|58...|25006|25P03)$/

const retryableSystemCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOENT', // the Unix socket file is not there while the server is down
])

// `pg` gives these without a code.
const retryableMessage = /timeout|timed out|Connection terminated|connection error|Client was closed/i

/**
 * True when the same batch may succeed later without a change: the database is away, restarting, full, locked or
 * slow. False for a row at fault, a missing right, a wrong password, and errors that are not Postgres's.
 */
export const isRetryable = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false
  const state = sqlStateOf(error)
  if (state !== undefined) return retryableState.test(state)
  if ('code' in error && typeof error.code === 'string') return retryableSystemCodes.has(error.code)
  return retryableMessage.test(error.message)
}

// 22 data, 23502 null, 23514 check or no partition, 54 limits of Postgres (index row, nesting, columns).
const poisonState = /^(?:22...|23502|23514|54...)$/

/** True when one row of the batch can never be stored as it is. */
export const isPoison = (error: unknown): boolean => poisonState.test(sqlStateOf(error) ?? '')

/** True when no partition covers the row: 23514 like a check, but without a constraint's name. */
export const isMissingPartition = (error: unknown): boolean =>
  sqlStateOf(error) === '23514' && !(error as { constraint?: string }).constraint

/** True when Postgres undid the transaction for the sake of another one. */
export const isRollback = (error: unknown): boolean => /^40(?:001|P01)$/.test(sqlStateOf(error) ?? '')

export const isDuplicate = (error: unknown): boolean => sqlStateOf(error) === '23505'
