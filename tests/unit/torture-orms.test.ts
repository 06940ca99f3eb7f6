import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { installOwn } from '../support/npm.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { runCase } from '../torture/case.js'
import { type Orm, ormGroups } from '../torture/orm-cases.js'
import { type OwnSubject, throughline } from '../torture/subject.js'

const folder = fileURLToPath(new URL('../torture/orms/', import.meta.url))
const load = createRequire(`${folder}package.json`)

let subject: OwnSubject
let database: TestDatabase
const orms = new Map<string, Orm>()
const ends: (() => unknown)[] = []

beforeAll(async () => {
  const [made] = await Promise.all([testDatabase(), installOwn(folder)])
  database = made
  subject = await throughline()
  for (const make of [knex, drizzle, postgres]) {
    const orm = await make(database.url)
    orms.set(orm.name, orm)
  }
}, 120_000)

afterAll(async () => {
  for (const end of ends) await end()
  await subject.close()
  await database.drop()
})

const sleep = (ms: number) => `select 7 as answer from pg_sleep(${ms / 1_000})`
const table = (name: string) => `notes_${name}`

async function knex(url: string): Promise<Orm> {
  const db = load('knex').default({ client: 'pg', connection: url })
  ends.push(() => db.destroy())
  await db.schema.createTable(table('knex'), (t: { integer(name: string): void }) => t.integer('n'))
  return {
    name: 'knex',
    slow: (ms) => db.select(db.raw('7 as answer')).from(db.raw(`pg_sleep(${ms / 1_000})`)),
    insert: () => db(table('knex')).insert({ n: 1 }),
    inserted: async () => Number((await db(table('knex')).count())[0].count),
    wrong: () => db('nowhere').select(),
    read: (rows) => (rows as { answer: number }[])[0]?.answer,
    clone: (query) => (query as unknown as { clone(): PromiseLike<unknown> }).clone(),
  }
}

async function drizzle(url: string): Promise<Orm> {
  const pool = new (load('pg').Pool)({ connectionString: url })
  ends.push(() => pool.end())
  const { drizzle: connect } = load('drizzle-orm/node-postgres')
  const { pgTable, integer } = load('drizzle-orm/pg-core')
  const { sql } = load('drizzle-orm')
  const db = connect(pool)
  const notes = pgTable(table('drizzle'), { n: integer() })
  await pool.query(`create table ${table('drizzle')} (n int)`)
  return {
    name: 'drizzle-orm',
    slow: (ms) => db.select({ answer: sql`7` }).from(sql`pg_sleep(${sql.raw(String(ms / 1_000))})`),
    insert: () => db.insert(notes).values({ n: 1 }),
    inserted: () => db.$count(notes),
    wrong: () => db.select().from(pgTable('nowhere', { n: integer() })),
    read: (rows) => (rows as { answer: number }[])[0]?.answer,
  }
}

async function postgres(url: string): Promise<Orm> {
  const sql = load('postgres')(url, { onnotice() {} })
  ends.push(() => sql.end())
  await sql.unsafe(`create table ${table('postgres')} (n int)`)
  return {
    name: 'postgres',
    slow: (ms) => sql.unsafe(sleep(ms)),
    insert: () => sql`insert into ${sql(table('postgres'))} values (1)`,
    inserted: async () => Number((await sql`select count(*) from ${sql(table('postgres'))}`)[0].count),
    wrong: () => sql`select * from nowhere`,
    read: (rows) => (rows as { answer: number }[])[0]?.answer,
  }
}

describe.each(ormGroups((name) => orms.get(name)!))('$title', ({ cases }) => {
  test.each(cases)('$what', async (one) => {
    const name = one.what.replace(/\W+/g, '-')
    const result = await runCase(one, subject, name)
    expect(result.faults).toEqual([])
    expect(result.records).toEqual(one.records)
    expect(result.timed, `${result.recordedMs} ms recorded for ${result.workedMs} ms`).toBe(true)
    expect(subject.active(name)).toBe(0)
  })
})
