import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPool, ensurePartitions, migrate } from '../../packages/postgres/src/index.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { inLanguage, placeOf } from './blocks/collect.js'
import { commandsOf } from './blocks/shell.js'

let database: TestDatabase
let client: pg.Client
beforeAll(async () => {
  database = await testDatabase()
  await migrate(database.url)
  const pool = createPool(database.url)
  await ensurePartitions(pool)
  await pool.end()
  client = new pg.Client({ connectionString: database.url })
  await client.connect()
})
afterAll(async () => {
  await client.end()
  await database.drop()
})

/** Blocks of SQL, and what `psql -c` is given. */
const texts = [
  ...inLanguage('sql').map((block) => ({ place: placeOf(block), sql: block.code })),
  ...inLanguage('sh').flatMap((block) =>
    commandsOf(block.code)
      .filter((words) => words.includes('psql'))
      .flatMap((words) => words.filter((_, at) => words[at - 1] === '-c'))
      .map((sql) => ({ place: placeOf(block), sql })),
  ),
]

/** What Grafana puts in place of its macros and variables. */
const asGrafanaSends = (sql: string): string =>
  sql
    .replace(/\$__timeFilter\((\w+)\)/g, "$1 > now() - interval '1 hour'")
    .replace(/\$__timeGroupAlias\((\w+), \$__interval\)/g, 'date_bin(\'1 minute\', $1, now()) AS "time"')
    .replace(/\$\{\w+:regex\}/g, '.*')

/** As psql splits it; no statement on a page holds a `;` in a text. */
const statementsOf = (sql: string): string[] =>
  asGrafanaSends(sql)
    .replace(/^\s*--.*$/gm, '')
    .split(';')
    .map((one) => one.trim())
    .filter((one) => one !== '')

test.each(texts)('$place: Postgres with the schema understands the statement', async ({ sql }) => {
  expect(statementsOf(sql).length).toBeGreaterThan(0)
  for (const statement of statementsOf(sql)) {
    if (/^(?:SELECT|WITH|INSERT|UPDATE|DELETE|VALUES)\b/i.test(statement)) {
      await client.query(`PREPARE shown AS ${statement}`)
      await client.query('DEALLOCATE shown')
    } else if (/^(?:VACUUM|ALTER SYSTEM|CREATE DATABASE)\b/i.test(statement)) await client.query(statement)
    else {
      await client.query('BEGIN')
      try {
        await client.query(statement)
      } finally {
        await client.query('ROLLBACK')
      }
    }
  }
})
