import { join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { createRecorder, type Recorder } from '../../packages/recorder/src/index.js'
import {
  built,
  type Child,
  IMPORTS,
  runLines,
  type Scratch,
  scratch,
} from '../../packages/sdk/testing/child.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'

let database: TestDatabase
let client: pg.Client
let recorder: Recorder
let recorderUrl: string
let room: Scratch
let child: Child | undefined

beforeAll(async () => {
  database = await testDatabase()
  client = new pg.Client({ connectionString: database.url })
  await client.connect()
  await client.query('CREATE TABLE bookings (vehicle int PRIMARY KEY)')
  recorder = createRecorder({ databaseUrl: database.url, port: 0, auth: 'off', rolledBackAfterMs: 300 })
  recorderUrl = (await recorder.listen()).url
  await vi.waitUntil(async () => (await fetch(`${recorderUrl}/healthz`)).ok, { timeout: 10_000 })
})
afterAll(async () => {
  await recorder.close()
  await client.end()
  await database.drop()
})
beforeEach(async () => {
  room = scratch()
  await client.query('TRUNCATE bookings, throughline.operations, throughline.in_tx, throughline.delivered')
})
afterEach(async () => {
  child?.process.kill('SIGKILL')
  await child?.ended
  room.remove()
})

const env = () => ({
  DATABASE_URL: database.url,
  THROUGHLINE_RECORDER_URL: recorderUrl,
  THROUGHLINE_SPOOL_DIR: join(room.dir, 'spool'),
  OTEL_SERVICE_NAME: 'shop',
})

/** One call that books in a transaction. `inside` and `outside` say where the program stops to be killed, or goes on. */
const program = (inside: string, outside = '') => `${IMPORTS}
  import { currentOperation } from '${built('core/dist/esm/index.js')}'
  import { recordIn } from '${built('postgres/dist/record-in.js')}'
  import pg from 'pg'
  const throughline = await start()
  const client = new pg.Client({ connectionString: process.env.DATABASE_URL })
  await client.connect()
  const stop = (line) => { writeSync(1, line + '\\n'); return new Promise((resolve) => setTimeout(resolve, 600_000)) }
  const book = track('Shop.book', async () => {
    await client.query('BEGIN; INSERT INTO bookings VALUES (7)')
    await recordIn(client, currentOperation())
    ${inside}
  })
  await book()
  ${outside}
`
const killedAt = async (line: string, code: string): Promise<void> => {
  const killed = runLines(code, env())
  child = killed
  await killed.printed(line)
  killed.process.kill('SIGKILL')
  await killed.ended
  // Postgres ends the transaction of a client that is gone.
  await vi.waitUntil(
    async () =>
      (await client.query(`SELECT FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'`))
        .rowCount === 0,
    { timeout: 10_000 },
  )
}
/** The next start on the same machine, which sends what the dead process left. */
const nextStart = async (): Promise<void> => {
  child = runLines(`${IMPORTS}\nawait (await start()).shutdown(20_000)`, env())
  expect(await child.ended).toEqual({ code: 0, signal: null })
}
const count = async (from: string): Promise<number> =>
  (await client.query(`SELECT count(*)::int AS n FROM ${from}`)).rows[0].n
const settled = () => vi.waitUntil(async () => (await count('throughline.in_tx')) === 0, { timeout: 10_000 })
const rows = async () =>
  (await client.query(`SELECT * FROM throughline.operations WHERE operation = 'book'`)).rows
/** Numbers that the instance gave out and nobody got. */
const gaps = async (): Promise<unknown[]> =>
  (
    await client.query(`SELECT instance, n FROM
      (SELECT instance, generate_series(1, max(hi)) AS n FROM throughline.delivered GROUP BY instance) AS given
      WHERE NOT EXISTS (SELECT FROM throughline.delivered d WHERE d.instance = given.instance AND n BETWEEN lo AND hi)`)
  ).rows

test('killed before COMMIT and before the call ended: neither booking nor record, and no gap', async () => {
  await killedAt('recorded', program(`await stop('recorded')`))
  await nextStart()
  expect(await count('bookings')).toBe(0)
  expect(await rows()).toEqual([])
  expect(await gaps()).toEqual([])
})

test('killed after COMMIT, before the call ended: booking and record, and no gap', async () => {
  await killedAt('committed', program(`await client.query('COMMIT'); await stop('committed')`))
  await nextStart()
  expect(await count('bookings')).toBe(1)
  expect(await rows()).toMatchObject([{ success: true, seq: null, instance: expect.any(String) }])
  expect(await gaps()).toEqual([])
})

test('killed after the call ended, before COMMIT: no booking, and a row that says rolled back', async () => {
  await killedAt('ended', program('', `await stop('ended')`))
  await nextStart()
  await vi.waitUntil(async () => (await rows()).length === 1, { timeout: 15_000 })
  await settled()
  expect(await count('bookings')).toBe(0)
  expect(await rows()).toMatchObject([{ success: false, error_type: 'rolled_back', business: null }])
  expect(await gaps()).toEqual([])
})

test('killed after the call ended and after COMMIT: booking and record, once', async () => {
  await killedAt('committed', program('', `await client.query('COMMIT'); await stop('committed')`))
  await nextStart()
  await vi.waitUntil(async () => (await count('throughline.delivered')) > 0, { timeout: 15_000 })
  await settled()
  expect(await count('bookings')).toBe(1)
  expect(await rows()).toMatchObject([{ success: true, error_type: null }])
  expect(await gaps()).toEqual([])
})

test('nobody killed: the record is there with its transaction, and its copy, delivered, changes nothing', async () => {
  child = runLines(
    program(`await client.query('COMMIT'); await client.end()`, 'await throughline.shutdown(20_000)'),
    env(),
  )
  expect(await child.ended).toEqual({ code: 0, signal: null })
  await settled()
  expect(await rows()).toMatchObject([{ success: true, seq: expect.stringMatching(/^\d+$/) }])
  expect(await count('throughline.delivered')).toBeGreaterThan(0)
  expect(await gaps()).toEqual([])
})
