import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { migrate } from '@throughline/postgres'
import { createToken, newSecret, roleOfSecret } from '@throughline/postgres/tokens'
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
