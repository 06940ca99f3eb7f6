import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { migrate } from '@throughline/postgres'
import { createToken, newSecret, revokeToken, roleOfSecret } from '@throughline/postgres/tokens'
import { withDatabase } from '../system/database.js'

/** Secrets for the recorder of one stack. They open nothing but that recorder, on loopback. */
export interface StackTokens {
  /** For senders: the Collector, services in direct mode, questions for confirmation. */
  readonly ingest: string
  /** For whoever looks: `GET /v1/status`. */
  readonly read: string
}

/**
 * Those of the folder, in its files `ingest-token` and `read-token`, made the first time: a service that was given one
 * goes on with it after the stack came back, and a shell reads it with `cat`.
 */
export function stackTokens(dir: string): StackTokens {
  return { ingest: secretOf(dir, 'ingest'), read: secretOf(dir, 'read') }
}

/** Makes the schema, if need be, and puts the tokens into it, so that the recorder knows them from its first request. */
export async function admitTokens(databaseUrl: string, tokens: StackTokens): Promise<void> {
  await withDatabase(databaseUrl, async (pool) => {
    await migrate(databaseUrl)
    for (const role of ['ingest', 'read'] as const)
      await createToken(pool, { name: `local stack, ${role}`, role, secret: tokens[role] })
  })
}

/** A run that ends without a word, by SIGKILL, revokes nothing: then this does. */
const CONSOLE_HOURS = 24

/** One more token of role `read`, of this run alone: in no file, so that only its first reader knows it. */
export function consoleToken(databaseUrl: string): Promise<{ id: string; secret: string }> {
  const expiresAt = new Date(Date.now() + CONSOLE_HOURS * 3_600_000)
  return withDatabase(databaseUrl, (pool) =>
    createToken(pool, { name: 'local stack, console of one run', role: 'read', expiresAt }),
  )
}

export async function revokeTokens(databaseUrl: string, ids: readonly string[]): Promise<void> {
  await withDatabase(databaseUrl, async (pool) => {
    for (const id of ids) await revokeToken(pool, id)
  })
}

function secretOf(dir: string, role: 'ingest' | 'read'): string {
  const file = join(dir, `${role}-token`)
  const known = read(file)
  if (known !== undefined && roleOfSecret(known) === role) return known
  const secret = newSecret(role)
  writeFileSync(`${file}.new`, `${secret}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
  return secret
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return undefined
  }
}
