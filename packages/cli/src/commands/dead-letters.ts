import { parseArgs } from 'node:util'
import { findDeadLetters, listDeadLetters, type ParkedRecord } from '@throughline/postgres/dead-letters'
import { retryDeadLetters } from '@throughline/recorder/dead-letters'
import type { Pool } from 'pg'
import { CliError } from '../errors.js'
import { DATABASE_HELP, databaseOption, databaseUrlOf, withDatabase } from '../system/database.js'
import { columns } from '../terminal/columns.js'
import { say } from '../terminal/print.js'
import { printable } from '../terminal/printable.js'

export const DEAD_LETTERS_HELP = `throughline dead-letters list [--limit 50] [--json]
throughline dead-letters show ID [--json]
throughline dead-letters retry ID … | --all [--retention-days 90] [--json]

Records that arrived whole and could not become rows.

  list    the newest ones: ID, time, size, reason
  show    one with its reason and its bytes
  retry   try them again with the rules of this version; what can be stored becomes its row, the rest stays, with its reason.
          Exit 0 only if nothing stayed. Needs a role that is a member of throughline_owner, as it removes what it has stored

An ID may be given by its first digits, six at least.

  --limit           how many are listed
  --retention-days  of the recorder: what started earlier is refused (default: 90)
${DATABASE_HELP}
  --json            one JSON document on standard output`

/** `throughline dead-letters`. */
export async function deadLetters(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...databaseOption,
      all: { type: 'boolean', default: false },
      limit: { type: 'string', default: '50' },
      'retention-days': { type: 'string', default: '90' },
      json: { type: 'boolean', default: false },
    },
  })
  const [action, ...ids] = positionals
  const limit = whole('--limit', values.limit, 10_000)
  const retentionDays = whole('--retention-days', values['retention-days'], 3_650)
  const run = (work: (pool: Pool) => Promise<number>): Promise<number> =>
    withDatabase(databaseUrlOf(values.database), work)

  if (action === 'list' && ids.length === 0) return run((pool) => list(pool, limit, values.json))
  if (action === 'show' && ids.length === 1) return run((pool) => show(pool, ids[0]!, values.json))
  if (action === 'retry' && ids.length > 0 !== values.all)
    return run((pool) => retry(pool, values.all ? undefined : ids, retentionDays, values.json))
  throw new CliError(
    'TL_USAGE',
    `list, show ID, retry ID … or retry --all is needed.\n\n${DEAD_LETTERS_HELP}`,
  )
}

async function list(pool: Pool, limit: number, json: boolean): Promise<number> {
  const { total, letters } = await listDeadLetters(pool, { limit })
  if (json) say(JSON.stringify({ total, letters }))
  else if (total === 0) say('There are none.')
  else {
    columns(
      ['ID', 'PARKED', 'BYTES', 'RETRIES', 'REASON'],
      letters.map((letter) => [
        letter.id.slice(0, 12),
        letter.parkedAt.toISOString().slice(0, 19),
        String(letter.bytes),
        String(letter.retries),
        printable(letter.reason),
      ]),
    )
    if (total > letters.length) say(`… and ${total - letters.length} older ones`)
  }
  return 0
}

async function show(pool: Pool, id: string, json: boolean): Promise<number> {
  const { body, ...letter } = await one(pool, id)
  const text = body.toString()
  if (json) {
    say(JSON.stringify({ ...letter, body: text }))
    return 0
  }
  for (const [name, value] of Object.entries(letter))
    if (value !== null)
      say(
        `${`${name}:`.padEnd(11)} ${value instanceof Date ? value.toISOString() : printable(String(value))}`,
      )
  say()
  say(printable(text))
  return 0
}

async function retry(
  pool: Pool,
  prefixes: readonly string[] | undefined,
  retentionDays: number,
  json: boolean,
): Promise<number> {
  const ids = prefixes && (await Promise.all(prefixes.map(async (prefix) => (await one(pool, prefix)).id)))
  const { stored, known, kept } = await retryDeadLetters(pool, {
    retentionDays,
    ...(ids === undefined ? {} : { ids }),
  })
  if (json) say(JSON.stringify({ stored, known, kept }))
  else {
    say(`${stored} stored, ${known} known before, ${kept.length} kept`)
    for (const { id, reason } of kept.slice(0, 50)) say(`  ${id.slice(0, 12)}  ${printable(reason)}`)
  }
  return kept.length === 0 ? 0 : 1
}

async function one(pool: Pool, prefix: string): Promise<ParkedRecord & { body: Buffer }> {
  if (!/^[0-9a-f]{6,64}$/i.test(prefix))
    throw new CliError('TL_USAGE', `${prefix} is no ID: six hexadecimal digits or more of one are needed.`)
  const [found, second] = await findDeadLetters(pool, prefix)
  if (found === undefined) throw new CliError('TL_USAGE', `There is no dead letter ${prefix}.`)
  if (second !== undefined) throw new CliError('TL_USAGE', `More than one ID begins with ${prefix}.`)
  return found
}

function whole(option: string, text: string, most: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= most) return value
  throw new CliError('TL_USAGE', `${option} is ${text}: a whole number from 1 to ${most} is needed.`)
}
