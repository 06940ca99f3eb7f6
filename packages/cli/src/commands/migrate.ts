import { parseArgs } from 'node:util'
import { migrate as applyMigrations, printMigrations } from '@throughline/postgres'
import { addReferenceIndexes } from '@throughline/postgres/indexes'
import { CliError } from '../errors.js'
import { DATABASE_HELP, databaseOption, databaseUrlOf, withDatabase } from '../system/database.js'
import { say } from '../terminal/print.js'

export const MIGRATE_HELP = `throughline migrate [--print] [--indexes reference] [--database URL]

Brings schema throughline of a database to this version: only what is missing, one transaction each, any number of times. Makes the
group roles throughline_owner, throughline_writer and throughline_reader where the role may, and gives them their rights.

  --print     change nothing, print SQL for psql: the whole schema, or with --database only what is missing there
  --indexes   reference: add the reference table's two indexes that the schema lacks, (service_name, method_name) and
              (user_id, created_at, success), without keeping writers; storing a row then costs Postgres about 2.5 times as much
${DATABASE_HELP}`

/** `throughline migrate`. */
export async function migrate(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { ...databaseOption, print: { type: 'boolean', default: false }, indexes: { type: 'string' } },
  })
  if (values.indexes !== undefined && values.indexes !== 'reference')
    throw new CliError('TL_USAGE', `--indexes is ${values.indexes}: only reference is known.`)
  if (values.print) {
    const { database } = values
    const missing =
      database === undefined
        ? undefined
        : await withDatabase(database, () => applyMigrations(database, { compareOnly: true }))
    say(missing?.length === 0 ? '-- Nothing is missing.' : printMigrations(missing))
    return 0
  }
  const url = databaseUrlOf(values.database)
  await withDatabase(url, async (pool) => {
    const applied = await applyMigrations(url)
    say(applied.length === 0 ? 'The schema is up to date.' : `Applied: migration ${applied.join(', ')}.`)
    if (applied.length === 0) {
      const { rows } = await pool.query<{ may: boolean }>(
        `SELECT has_function_privilege('throughline.grant_roles()', 'EXECUTE') AS may`,
      )
      if (rows[0]?.may === true) await pool.query('SELECT throughline.grant_roles()')
    }
    if (values.indexes !== undefined) {
      const made = await addReferenceIndexes(url)
      say(made.length === 0 ? 'The indexes are there.' : `Made: index ${made.join(', ')}.`)
    }
  })
  return 0
}
