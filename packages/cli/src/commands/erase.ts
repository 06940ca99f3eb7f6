import { parseArgs } from 'node:util'
import { type Erasure, eraseUser, recordsOfUser, type UserRecords } from '@throughline/postgres/erase'
import { CliError } from '../errors.js'
import { DATABASE_HELP, databaseOption, databaseUrlOf, withDatabase } from '../system/database.js'
import { columns } from '../terminal/columns.js'
import { plural } from '../terminal/plural.js'
import { dim, say } from '../terminal/print.js'

export const ERASE_HELP = `throughline erase --user ID [--dry-run] [--json] [--database URL]

Deletes what the database holds of one user: rows of operations, parked records, copies that wait for a transaction, and the user's name
from the sums. One day a transaction, while services and recorders go on. What was deleted is counted in throughline.erased, without the
user. Needs a role that is a member of throughline_owner; --dry-run needs throughline_reader. docs/guides/gdpr.md says what it does not reach.

  --user      the user as the rows have it (user_id)
  --dry-run   change nothing, say what would be deleted
${DATABASE_HELP}
  --json      one JSON document on standard output`

/** `throughline erase`. */
export async function erase(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      ...databaseOption,
      user: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  const { user } = values
  if (user === undefined || user === '')
    throw new CliError('TL_USAGE', `--user ID is needed.\n\n${ERASE_HELP}`)
  return withDatabase(databaseUrlOf(values.database), async (pool) => {
    if (values['dry-run']) print(await recordsOfUser(pool, user), values.json)
    else print(await eraseUser(pool, user), values.json)
    return 0
  })
}

function print(found: UserRecords | Erasure, json: boolean): void {
  if (json) {
    say(JSON.stringify(found))
    return
  }
  const [has, verb] = 'id' in found ? [found.id, 'erased'] : [undefined, 'would be erased']
  const days = found.days.filter(({ rows }) => rows > 0)
  if (days.length > 0)
    columns(
      ['DAY', 'ROWS'],
      days.map(({ day, rows }) => [day, String(rows)]),
    )
  say(
    `${plural(found.rows, 'row')} of ${plural(days.length, 'day')}, ${plural(found.parked, 'parked record')}, ${plural(found.copies, 'waiting copy', 'waiting copies')} ${verb}`,
  )
  const sums = found.days.length - days.length
  if (sums > 0) say(`${plural(sums, 'day')} whose rows are gone: the name in the sums ${verb}`)
  for (const { model, period, revision } of found.frozen)
    say(
      `Frozen report ${model} ${period}, revision ${revision}, counted some of these rows and stays as it is`,
    )
  if (has === undefined) return
  say(
    dim(
      `Logged as ${has} in throughline.erased. What was on its way meanwhile may still arrive: run it again later.`,
    ),
  )
}
