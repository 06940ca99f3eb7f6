import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { anOperationRow } from '../../../tests/support/operation-rows.js'
import { type TestDatabase, testDatabase } from '../../../tests/support/postgres.js'
import { auditInstances, businessSums } from './audit.js'
import {
  createPool,
  createWriter,
  ensurePartitions,
  type LifecycleRecord,
  migrate,
  type Writer,
} from './index.js'
import { readHealth } from './reading.js'

let database: TestDatabase
let pool: pg.Pool
let writer: Writer
beforeAll(async () => {
  database = await testDatabase()
  await migrate(database.url)
  pool = createPool(database.url)
  await ensurePartitions(pool)
  writer = createWriter(pool)
})
afterAll(async () => {
  await pool.end()
  await database.drop()
})

const hour = 3_600_000
const aroundNow = () => ({ from: new Date(Date.now() - hour), to: new Date(Date.now() + hour) })
const event = (instance: string, seq: bigint, changes: Partial<LifecycleRecord>): LifecycleRecord => ({
  event: 'start',
  instance,
  seq,
  atUs: BigInt(Date.now()) * 1_000n,
  service: 'billing',
  serviceVersion: '1.2.3',
  environment: null,
  host: 'host-1',
  stopReason: null,
  lastSeq: null,
  ...changes,
})
const money = (value: string, site: string) =>
  JSON.stringify([
    { name: 'business.order.value', labels: { currency: 'EUR', site }, value },
    { name: 'business.stock', labels: {}, value: '7', kind: 'gauge' },
  ])

test('an instance: what it says of itself, which numbers are committed, how often they came, its rows and what is parked or held up', async () => {
  const instance = randomUUID()
  const rows = [2n, 3n, 5n].map((seq) =>
    anOperationRow({ instance, seq, business: money('0.10', 'cologne') }),
  )
  const late = anOperationRow({ instance, seq: 6n, startedAtUs: 1_000_000n })
  const held = anOperationRow({ instance, seq: 7n, inTx: true })
  await writer.write(rows, [], [event(instance, 1n, {})])
  await writer.write(
    [rows[0]!, late, held],
    [{ reason: 'bad', sqlState: null, body: 'x', instance, seq: 8n }],
  )
  await writer.write([], [], [event(instance, 10n, { event: 'stop', stopReason: 'shutdown', lastSeq: 10n })])
  expect(await auditInstances(pool, aroundNow())).toEqual([
    {
      instance,
      service: 'billing',
      version: '1.2.3',
      host: 'host-1',
      startedAt: expect.any(Date),
      stoppedAt: expect.any(Date),
      stopReason: 'shutdown',
      lastSeq: 10n,
      covered: [
        [1n, 3n],
        [5n, 8n],
        [10n, 10n],
      ],
      received: 9n,
      rows: 3n,
      lifecycle: 2n,
      parked: 2n,
      inTransactions: 1n,
      erased: 0n,
    },
  ])
  expect(await businessSums(pool, [instance], aroundNow().from)).toEqual([
    { name: 'business.order.value', labels: { currency: 'EUR', site: 'cologne' }, sum: '0.30' },
  ])
})

test('outside the window there is nobody; one that never said a word of itself is known by its records', async () => {
  const day = { from: new Date(Date.now() - 48 * hour), to: new Date(Date.now() - 24 * hour) }
  expect(await auditInstances(pool, day)).toEqual([])
  const instance = randomUUID()
  await writer.write([anOperationRow({ instance, seq: 4n })])
  expect((await auditInstances(pool, aroundNow())).find((one) => one.instance === instance)).toMatchObject({
    service: null,
    startedAt: null,
    lastSeq: null,
    covered: [[4n, 4n]],
    rows: 1n,
    lifecycle: 0n,
  })
})

test('rows that the retention took cannot be counted, and that is said', async () => {
  const instance = randomUUID()
  const atUs = BigInt(Date.now() - 40 * 24 * hour) * 1_000n
  await writer.write([anOperationRow({ instance, seq: 2n })], [], [event(instance, 1n, { atUs })])
  expect((await auditInstances(pool, aroundNow())).find((one) => one.instance === instance)?.rows).toBeNull()
})

test('health and audit say the same of what is missing, though each asks in its own way', async () => {
  const [stopped, running] = [randomUUID(), randomUUID()]
  await writer.write(
    [1n, 2n, 5n, 9n].map((seq) => anOperationRow({ instance: running, seq })),
    [],
    [],
  )
  await writer.write(
    [2n, 4n].map((seq) => anOperationRow({ instance: stopped, seq })),
    [],
    [event(stopped, 1n, {}), event(stopped, 8n, { event: 'stop', stopReason: 'shutdown', lastSeq: 8n })],
  )
  const audits = await auditInstances(pool, aroundNow())
  const { instances } = await readHealth(pool)
  const missing = { [stopped]: 4, [running]: 5 }
  for (const [instance, count] of Object.entries(missing)) {
    const { covered, lastSeq } = audits.find((one) => one.instance === instance)!
    const highest = [...covered.map(([, hi]) => hi), lastSeq ?? 0n].reduce((a, b) => (a > b ? a : b))
    const committed = covered.reduce((sum, [lo, hi]) => sum + hi - lo + 1n, 0n)
    expect(Number(highest - committed)).toBe(count)
    expect(instances.find((one) => one.instance === instance)).toMatchObject({
      missing: count,
      delivered: Number(committed),
    })
  }
})
