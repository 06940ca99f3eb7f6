import { parseArgs } from 'node:util'
import {
  createToken,
  listTokens,
  revokeToken,
  type Token,
  type TokenRole,
  tokenRoles,
} from '@throughline/postgres/tokens'
import type { Pool } from 'pg'
import { CliError } from '../errors.js'
import { DATABASE_HELP, databaseOption, databaseUrlOf, withDatabase } from '../system/database.js'
import { columns } from '../terminal/columns.js'
import { say } from '../terminal/print.js'

export const TOKEN_HELP = `throughline token create --role ingest|read|admin --name NAME [--expires 90d] [--json]
throughline token list [--json]
throughline token revoke ID|NAME [--json]

Bearer tokens of the recorder. Running recorders know a new one at once, and forget a revoked one within seconds.

  create   prints the secret to standard output, this once: the database keeps its hash only
  list     all tokens, the revoked and expired ones too; never a secret
  revoke   by ID, or by name where one valid token has it

  --role      ingest: send records and have them confirmed; read: status and lookups; admin: all of it
  --name      whose it is, for people
  --expires   after 90d or 12h, or at 2027-01-31 (default: never)
${DATABASE_HELP}
  --json      one JSON document on standard output

To change a token without loss: create the new one, give it to the sender, revoke the old one.`

/** `throughline token`. */
export async function token(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...databaseOption,
      role: { type: 'string' },
      name: { type: 'string' },
      expires: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  })
  const [action, which, ...more] = positionals
  if (more.length > 0 || (which !== undefined && action !== 'revoke'))
    throw new CliError('TL_USAGE', `${more[0] ?? which} is one word too many.\n\n${TOKEN_HELP}`)
  const { role, name, expires, json } = values
  const run = (work: (pool: Pool) => Promise<void>): Promise<void> =>
    withDatabase(databaseUrlOf(values.database), work)

  if (action === 'create') {
    const wanted = { role: roleOf(role), name: nameOf(name), expiresAt: expiryOf(expires, Date.now()) }
    await run((pool) => create(pool, wanted, json))
  } else if (action === 'list') await run((pool) => list(pool, json))
  else if (action === 'revoke' && which) await run((pool) => revoke(pool, which, json))
  else throw new CliError('TL_USAGE', `create, list or revoke is needed.\n\n${TOKEN_HELP}`)
  return 0
}

type Wanted = { role: TokenRole; name: string; expiresAt: Date | null }

async function create(pool: Pool, wanted: Wanted, json: boolean): Promise<void> {
  const { id, secret } = await createToken(pool, wanted)
  if (json) return say(JSON.stringify({ id, ...wanted, secret }))
  // The secret alone on standard output, so that it can go straight into a file or a variable.
  process.stderr.write(
    `Token ${wanted.name}, role ${wanted.role}, ID ${id}, valid ${wanted.expiresAt === null ? 'until it is revoked' : `until ${wanted.expiresAt.toISOString()}`}.\nIts secret, which is shown this once:\n`,
  )
  say(secret)
}

async function list(pool: Pool, json: boolean): Promise<void> {
  const tokens = await listTokens(pool)
  if (json) return say(JSON.stringify(tokens.map((one) => ({ ...one, state: stateOf(one) }))))
  if (tokens.length === 0) return say('There is no token yet: throughline token create')
  columns(
    ['ID', 'ROLE', 'STATE', 'CREATED', 'EXPIRES', 'LAST USED', 'NAME'],
    tokens.map((one) => [
      one.id,
      one.role,
      stateOf(one),
      day(one.createdAt),
      day(one.expiresAt),
      one.lastUsedAt === null ? '–' : one.lastUsedAt.toISOString().slice(0, 16),
      one.name,
    ]),
  )
}

async function revoke(pool: Pool, which: string, json: boolean): Promise<void> {
  const tokens = await listTokens(pool)
  const found =
    tokens.find((one) => one.id === which.toLowerCase()) ??
    only(
      tokens.filter((one) => one.name === which && one.revokedAt === null),
      which,
    )
  if (found === undefined) throw new CliError('TL_USAGE', `There is no valid token ${which}.`)
  const revoked = await revokeToken(pool, found.id)
  if (json) return say(JSON.stringify({ id: found.id, name: found.name, revoked }))
  say(revoked ? `Revoked: ${found.name}, ${found.id}` : `${found.name}, ${found.id} was revoked before.`)
}

function only(tokens: readonly Token[], name: string): Token | undefined {
  if (tokens.length > 1)
    throw new CliError(
      'TL_USAGE',
      `${tokens.length} valid tokens are named ${name}; say which by its ID: ${tokens.map((one) => one.id).join(', ')}`,
    )
  return tokens[0]
}

function roleOf(text: string | undefined): TokenRole {
  const role = tokenRoles.find((one) => one === text)
  if (role !== undefined) return role
  throw new CliError('TL_USAGE', `--role is ${text ?? 'missing'}: ingest, read or admin is needed.`)
}

function nameOf(text: string | undefined): string {
  if (text !== undefined && text.trim() !== '' && Buffer.byteLength(text) <= 200) return text.trim()
  throw new CliError('TL_USAGE', '--name is missing, or longer than 200 bytes: whose token is it?')
}

const UNITS: Record<string, number> = { h: 3_600_000, d: 86_400_000 }

function expiryOf(text: string | undefined, now: number): Date | null {
  if (text === undefined) return null
  const after = /^(\d{1,5})([hd])$/.exec(text)
  const date = after ? new Date(now + Number(after[1]) * UNITS[after[2]!]!) : new Date(text)
  if (date.getTime() > now) return date
  throw new CliError('TL_USAGE', `--expires is ${text}: 90d, 12h or a date to come is needed.`)
}

function stateOf(one: Token): 'valid' | 'revoked' | 'expired' {
  if (one.revokedAt !== null) return 'revoked'
  return one.expiresAt !== null && one.expiresAt.getTime() <= Date.now() ? 'expired' : 'valid'
}

function day(date: Date | null): string {
  return date === null ? '–' : date.toISOString().slice(0, 10)
}
