import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { expect, test } from 'vitest'
import { testDatabase } from '../../../tests/support/postgres.js'
import { migrate, printMigrations } from './index.js'
import { migrations } from './migrations/index.js'

const first = [1, 2, 3]
const rest = migrations.map((migration) => migration.n).filter((n) => !first.includes(n))

test('a schema of the first version is brought up while its writers write and a reader holds it up for a while', async () => {
  const database = await testDatabase()
  const admin = new pg.Client({ connectionString: database.url })
  await admin.connect()
  await admin.query(printMigrations(first))
  await admin.query('SELECT throughline.create_partition(current_date)')

  let writing = true
  let stored = 0
  let slowest = 0
  const write = async (): Promise<void> => {
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    while (writing) {
      const began = performance.now()
      await client.query(
        `INSERT INTO throughline.operations (started_at, trace_id, span_id, duration_us, bucket, success, correlation_id, service, operation_service, operation)
         VALUES (now(), $1::uuid, 1, 1, 1, true, 'c', 's', 'o', 'o')`,
        [randomBytes(16).toString('hex')],
      )
      stored += 1
      slowest = Math.max(slowest, performance.now() - began)
    }
    await client.end()
  }
  const writers = [write(), write()]

  const reader = new pg.Client({ connectionString: database.url })
  await reader.connect()
  await reader.query('BEGIN; SELECT count(*) FROM throughline.operations')
  const migrated = migrate(database.url, { lockTimeoutMs: 200, attempts: 200 })
  // The migration waits behind the reader, gives up its place and comes again: the writers get through in between.
  const before = stored
  await expect.poll(() => stored, { timeout: 20_000 }).toBeGreaterThan(before + 50)
  await reader.query('COMMIT')
  await reader.end()
  expect(await migrated).toEqual(rest)
  writing = false
  await Promise.all(writers)
  expect(slowest).toBeLessThan(2_000)
  const { rows } = await admin.query('SELECT count(*)::int AS n FROM throughline.operations')
  expect(rows[0].n).toBe(stored)
  expect(await migrate(admin)).toEqual([])
  await admin.end()
  await database.drop()
})

test('a lock that never comes free ends the attempt with an error that is told, and nothing half done', async () => {
  const database = await testDatabase()
  const admin = new pg.Client({ connectionString: database.url })
  await admin.connect()
  await admin.query(printMigrations(first))
  const holder = new pg.Client({ connectionString: database.url })
  await holder.connect()
  await holder.query('BEGIN; LOCK TABLE throughline.dead_letter IN ACCESS SHARE MODE')
  await expect(migrate(database.url, { lockTimeoutMs: 50, attempts: 2 })).rejects.toMatchObject({
    code: '55P03',
  })
  const { rows } = await admin.query(
    'SELECT array_agg(n ORDER BY n) AS applied FROM throughline.schema_version',
  )
  expect(rows[0].applied).toEqual(first)
  await holder.query('COMMIT')
  await holder.end()
  expect(await migrate(database.url)).toEqual(rest)
  await admin.end()
  await database.drop()
})
