import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { anOperationRow } from '../../../tests/support/operation-rows.js'
import { type TestDatabase, testDatabase } from '../../../tests/support/postgres.js'
import { createPool, createWriter, ensurePartitions, migrate } from './index.js'
import { migrations } from './migrations/index.js'
import { readChecks, readSynthetic, type SyntheticRecord } from './synthetic.js'

let database: TestDatabase
let admin: pg.Client
let writing: pg.Pool
let reading: pg.Pool

const login = async (group: string): Promise<pg.Pool> => {
  const name = `login_${randomBytes(4).toString('hex')}`
  await admin.query(`CREATE ROLE ${name} LOGIN PASSWORD 'secret'; GRANT ${group} TO ${name}`)
  const url = new URL(database.url)
  url.username = name
  url.password = 'secret'
  return createPool(url.href)
}

beforeAll(async () => {
  database = await testDatabase()
  admin = new pg.Client({ connectionString: database.url })
  await admin.connect()
  await migrate(admin)
  writing = await login('throughline_writer')
  reading = await login('throughline_reader')
  await ensurePartitions(writing)
})
beforeEach(() => admin.query('TRUNCATE throughline.synthetic_operations'))
afterAll(async () => {
  await Promise.all([writing.end(), reading.end()])
  await admin.end()
  await database.drop()
})

const nowUs = (): bigint => BigInt(Date.now()) * 1_000n
const aSynthetic = (changes: Partial<SyntheticRecord> = {}): SyntheticRecord => ({
  id: randomBytes(16).toString('hex'),
  service: 'throughline-doctor',
  startedAtUs: nowUs(),
  receivedAtUs: nowUs(),
  ...changes,
})
const write = (...records: SyntheticRecord[]) => createWriter(writing).write([], [], [], records)
const kept = async (): Promise<number> =>
  (await admin.query('SELECT count(*)::int AS n FROM throughline.synthetic_operations')).rows[0].n

test('a writer stores one, again as often as it likes, and a reader finds it with its times', async () => {
  const record = aSynthetic()
  expect(await readSynthetic(reading, record.id)).toBeUndefined()
  for (let time = 0; time < 3; time += 1)
    expect(await write(record)).toEqual({ inserted: 0, duplicates: 0, deadLettered: [] })
  expect(await readSynthetic(reading, record.id)).toEqual({
    service: 'throughline-doctor',
    startedAt: new Date(Number(record.startedAtUs / 1_000n)),
    receivedAt: new Date(Number(record.receivedAtUs / 1_000n)),
    recordedAt: expect.any(Date),
  })
  expect(await kept()).toBe(1)
})

test('beside rows in one write: the rows are stored, the synthetic one is among none of them', async () => {
  const record = aSynthetic({ service: 'bad\0text', startedAtUs: 2n ** 62n })
  expect(await createWriter(writing).write([anOperationRow({})], [], [], [record])).toMatchObject({
    inserted: 1,
  })
  expect(await readSynthetic(reading, record.id)).toMatchObject({ service: 'bad\ufffdtext', startedAt: null })
  const { rows } = await admin.query(
    `SELECT (SELECT count(*)::int FROM throughline.operations) AS operations,
       (SELECT count(*)::int FROM throughline.instances) AS instances,
       (SELECT count(*)::int FROM throughline.delivered WHERE instance IS NULL) AS delivered,
       (SELECT count(*)::int FROM throughline.dead_letter) AS parked`,
  )
  expect(rows[0]).toEqual({ operations: 1, instances: 0, delivered: 0, parked: 0 })
})

test('they are kept for an hour, and never more than 1,000, whatever is sent', async () => {
  await write(aSynthetic())
  await admin.query(`UPDATE throughline.synthetic_operations SET recorded_at = now() - interval '61 minutes'`)
  await write(aSynthetic())
  expect(await kept()).toBe(1)
  for (let round = 0; round < 12; round += 1)
    await Promise.all([1, 2].map(() => write(...Array.from({ length: 150 }, () => aSynthetic()))))
  expect(await kept()).toBeLessThanOrEqual(1_100)
  await write(aSynthetic())
  expect(await kept()).toBeLessThanOrEqual(1_000)
})

test('checks of a database that is right find nothing', async () => {
  const today = new Date().toISOString().slice(0, 10)
  const { at, version, schema, partitions } = await readChecks(writing, { aheadDays: 2 })
  expect(Math.abs(at.getTime() - Date.now())).toBeLessThan(5_000)
  expect(version).toMatch(/^\d+\.\d+$/)
  const known = Math.max(...migrations.map(({ n }) => n))
  expect(schema).toEqual({ applied: known, known, missing: [], fault: null })
  expect(partitions.missing).toEqual([])
  expect(partitions.through! > today).toBe(true)
})

test('a day without a partition, a migration that is missing and one of a later version are named', async () => {
  const days = [0, 1, 2].map((ahead) => new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10))
  await admin.query(`DROP TABLE throughline.operations_${days[1]!.replaceAll('-', '')}`)
  const checks = () => readChecks(writing, { aheadDays: 2 })
  expect((await checks()).partitions).toEqual({ through: days[0], missing: [days[1]] })
  expect(await ensurePartitions(writing)).toEqual([days[1]])

  const newest = migrations.at(-1)!.n
  const { rows } = await admin.query('DELETE FROM throughline.schema_version WHERE n = $1 RETURNING sha256', [
    newest,
  ])
  expect((await checks()).schema).toMatchObject({ known: newest, missing: [newest], fault: null })
  await admin.query('INSERT INTO throughline.schema_version (n, sha256) VALUES ($1, $2), (99, $2)', [
    newest,
    rows[0].sha256,
  ])
  expect((await checks()).schema).toMatchObject({
    applied: 99,
    missing: [],
    fault: expect.stringContaining('99'),
  })
  await admin.query('DELETE FROM throughline.schema_version WHERE n = 99')
})
