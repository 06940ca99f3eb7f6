import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { currentOperation, track } from '@throughline/core'
import { ensurePartitions, migrate } from '@throughline/postgres'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  enableContexts,
  installRecordingRuntime,
  type RecordingRuntime,
} from '../../packages/core/testing/recording-runtime.js'
import { sealedOperation } from '../../packages/sdk/src/sealed-operation.js'
import { installOwn } from '../support/npm.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'

const folder = fileURLToPath(new URL('../record-in/', import.meta.url))

/** Its own types are of libraries that are installed on demand: tests/repository/record-in.test.ts compiles it. */
type Book = (vehicle: number) => Promise<void>
interface Guide {
  readonly book: Book
  readonly bookWithDrizzle: Book
  readonly bookWithKysely: Book
  readonly bookWithKnex: Book
  readonly bookWithPostgresJs: Book
  readonly outside: Record<'pool' | 'drizzle' | 'kysely' | 'knex', () => Promise<unknown>>
  close(): Promise<void>
}

let database: TestDatabase
let pool: pg.Pool
let guide: Guide
let runtime: RecordingRuntime
let disable: () => void

beforeAll(async () => {
  const [made] = await Promise.all([testDatabase(), installOwn(folder)])
  database = made
  await migrate(database.url)
  pool = new pg.Pool({ connectionString: database.url, max: 2 })
  await ensurePartitions(pool)
  await pool.query('CREATE TABLE bookings (vehicle int PRIMARY KEY)')
  process.env.DATABASE_URL = database.url
  guide = (await import(/* @vite-ignore */ `${folder}guide.ts`)) as Guide
}, 120_000)
afterAll(async () => {
  delete process.env.DATABASE_URL
  await guide.close()
  await pool.end()
  await database.drop()
})
beforeEach(async () => {
  disable = enableContexts()
  runtime = installRecordingRuntime({
    seal: (operation, durationMs) =>
      sealedOperation(
        operation,
        { serviceName: 'tests', serviceVersion: undefined, instance: undefined },
        durationMs,
      ),
  })
  await pool.query('TRUNCATE throughline.operations, bookings')
})
afterEach(() => {
  runtime.uninstall()
  disable()
})

const stored = async () => (await pool.query('SELECT * FROM throughline.operations')).rows
const booked = async () => (await pool.query('SELECT vehicle FROM bookings')).rows

describe.each([
  ['pg', 'book'],
  ['Drizzle', 'bookWithDrizzle'],
  ['Kysely', 'bookWithKysely'],
  ['Knex', 'bookWithKnex'],
  ['postgres.js, by one line', 'bookWithPostgresJs'],
] as const)('a transaction of %s', (_, name) => {
  test('takes the record with it when it commits', async () => {
    await guide[name](7)
    expect(await booked()).toEqual([{ vehicle: 7 }])
    const { traceId } = runtime.last()
    const rows = await stored()
    expect(rows).toMatchObject([{ operation_service: 'Shop', operation: 'book', success: true }])
    expect(rows[0].trace_id.replaceAll('-', '')).toBe(traceId)
    expect(runtime.last().sealed).toBe(true)
  })

  test('takes the record with it when it is rolled back', async () => {
    // Whoever books it first; checked at COMMIT, so that the record is in the transaction already.
    await pool.query(
      'ALTER TABLE bookings ADD CONSTRAINT once EXCLUDE (vehicle WITH =) DEFERRABLE INITIALLY DEFERRED',
    )
    await pool.query('ALTER TABLE bookings DROP CONSTRAINT bookings_pkey')
    await pool.query('INSERT INTO bookings VALUES (7)')
    try {
      await expect(guide[name](7)).rejects.toThrow()
    } finally {
      await pool.query('ALTER TABLE bookings DROP CONSTRAINT once, ADD PRIMARY KEY (vehicle)')
    }
    expect(await booked()).toEqual([{ vehicle: 7 }])
    expect(await stored()).toEqual([])
    expect(runtime.last()).toMatchObject({ outcome: 'failure', sealed: true })
  })
})

test.each(['pool', 'drizzle', 'kysely', 'knex'] as const)(
  'what begins transactions is refused, as it is none: %s',
  async (name) => {
    await track('Shop.book', async () => {
      await expect((async () => guide.outside[name]())()).rejects.toMatchObject({
        code: 'TL_NOT_A_TRANSACTION',
      })
      expect(currentOperation()).toBeDefined()
    })()
    expect(runtime.last().sealed).toBe(false)
    expect(await stored()).toEqual([])
  },
)

test('the code in the guide is what runs here', () => {
  const text = readFileSync(new URL('../../docs/guides/record-in.md', import.meta.url), 'utf8')
  const source = readFileSync(`${folder}guide.ts`, 'utf8')
  const shown = [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code]) => code ?? '')
  expect(shown.length).toBeGreaterThan(4)
  expect(shown.filter((code) => !source.includes(code))).toEqual([])
})
