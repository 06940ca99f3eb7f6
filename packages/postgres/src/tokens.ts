import { createHash, randomBytes } from 'node:crypto'
import type { Pool } from 'pg'

/** `ingest`: send records and ask for their confirmation. `read`: status and lookups. `admin`: all of it. */
export type TokenRole = 'ingest' | 'read' | 'admin'

export const tokenRoles: readonly TokenRole[] = ['ingest', 'read', 'admin']

/** One token as it may be shown: never its secret. */
export type Token = {
  id: string
  name: string
  role: TokenRole
  createdAt: Date
  expiresAt: Date | null
  revokedAt: Date | null
  /** To the minute. */
  lastUsedAt: Date | null
}

/** What a recorder needs to know of a token that is valid now. */
export type ValidToken = { id: string; role: TokenRole; hash: Buffer; expiresAt: Date | null }

// 32 bytes: 43 characters of base64url.
const secretPattern = /^tl_(ingest|read|admin)_[A-Za-z0-9_-]{43}$/

/** A new secret, `tl_<role>_<43 characters>`. The prefix is for people and for scanners of leaked secrets. */
export const newSecret = (role: TokenRole): string => `tl_${role}_${randomBytes(32).toString('base64url')}`

/** The role that the text names; undefined when it is no token of ours. Says nothing about whether it is valid. */
export const roleOfSecret = (secret: string): TokenRole | undefined =>
  secretPattern.exec(secret)?.[1] as TokenRole | undefined

/** What is stored and compared instead of the secret. */
export const hashSecret = (secret: string): Buffer => createHash('sha256').update(secret).digest()

/**
 * Makes a token and answers with its secret, which nobody can ask for again. With `secret` given, that one is admitted,
 * and nothing happens if it is there already: for set-ups that hand out their secrets themselves.
 */
export const createToken = async (
  pool: Pool,
  token: { name: string; role: TokenRole; expiresAt?: Date | null; secret?: string },
): Promise<{ id: string; secret: string }> => {
  const secret = token.secret ?? newSecret(token.role)
  const { rows } = await pool.query<{ id: string }>(
    `INSERT INTO throughline.tokens AS known (name, role, hash, expires_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (hash) DO UPDATE SET name = known.name RETURNING id`,
    [token.name, token.role, hashSecret(secret), token.expiresAt ?? null],
  )
  return { id: rows[0]!.id, secret }
}

/** All tokens, the revoked and expired ones too, oldest first. */
export const listTokens = async (pool: Pool): Promise<Token[]> => {
  const { rows } = await pool.query<Token>(
    `SELECT id, name, role, created_at AS "createdAt", expires_at AS "expiresAt", revoked_at AS "revokedAt",
       last_used_at AS "lastUsedAt"
     FROM throughline.tokens ORDER BY created_at, id`,
  )
  return rows
}

/** Revokes the token of that ID. False if there is none, or it was revoked before. */
export const revokeToken = async (pool: Pool, id: string): Promise<boolean> => {
  const { rowCount } = await pool.query(
    'UPDATE throughline.tokens SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL',
    [id],
  )
  return rowCount === 1
}

/** Those that are neither revoked nor expired by the clock of the database. */
export const validTokens = async (pool: Pool): Promise<ValidToken[]> => {
  const { rows } = await pool.query<ValidToken>(
    `SELECT id, role, hash, expires_at AS "expiresAt" FROM throughline.tokens
     WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) ORDER BY id`,
  )
  return rows
}

/** Notes that these were used. SKIP LOCKED: several recorders note the same ones, and none should wait for that. */
export const touchTokens = async (pool: Pool, ids: readonly string[]): Promise<void> => {
  await pool.query(
    `UPDATE throughline.tokens SET last_used_at = now() WHERE id IN (
       SELECT id FROM throughline.tokens WHERE id = ANY($1::uuid[]) FOR UPDATE SKIP LOCKED)`,
    [ids],
  )
}
