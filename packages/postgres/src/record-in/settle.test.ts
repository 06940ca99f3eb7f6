import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../../tests/support/postgres.js'
import { settleInTx } from '../in-tx.js'
import {
  createPool,
  createWriter,
  ensurePartitions,
  migrate,
  type OperationRow,
  type Writer,
} from '../index.js'
import { recordIn } from '../record-in.js'

const instance = '018f6a2e-7c1b-7d3e-9a51-0123456789ab'
let database: TestDatabase
let pool: pg.Pool
let client: pg.Client
let writer: Writer

beforeAll(async () => {
  database = await testDatabase()
  await migrate(database.url)
  pool = createPool(database.url)
  await ensurePartitions(pool)
  client = new pg.Client({ connectionString: database.url })
  await client.connect()
  writer = createWriter(pool)
})
afterAll(async () => {
  await client.end()
  await pool.end()
  await database.drop()
})
beforeEach(async () => {
  await pool.query(
    'TRUNCATE throughline.operations, throughline.in_tx, throughline.dead_letter, throughline.delivered, throughline.rollup_marks',
  )
})

let seq = 0n
/** The record as it goes into the transaction, and its copy as it comes by way of the spool. */
const aRecord = (changes: Partial<OperationRow> = {}) => {
  seq += 1n
  const inside: OperationRow = {
    startedAtUs: BigInt(Date.now()) * 1000n + BigInt(Math.floor(Math.random() * 1000)),
    traceId: randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    parentSpanId: null,
    correlationId: 'order-4711',
    service: 'shop',
    serviceVersion: '1.2.3',
    operationService: 'Shop',
    operation: 'book',
    userId: '42',
    durationUs: 1_000n,
    success: true,
    errorType: null,
    errorMessage: null,
    errorStack: null,
    metadata: '{"site": "cologne"}',
    business: '[{"name":"business.value","labels":{"currency":"USD"},"value":"129.90"}]',
    instance,
    seq: null,
    ...changes,
  }
  const copy: OperationRow = { ...inside, durationUs: 2_000n, seq, inTx: true }
  return { inside: { seal: () => inside }, copy }
}
const stored = async () => (await pool.query('SELECT * FROM throughline.operations')).rows
const waiting = async () => (await pool.query('SELECT count(*)::int AS n FROM throughline.in_tx')).rows[0].n
/** As the recorder does: all that is due now, or, `later`, everything, however long it was to wait. */
const settle = async (rolledBackAfterMs: number, later = true) => {
  // Several do this at once: what another one holds is its own to settle, and waiting for it in any order would be a deadlock.
  if (later)
    await pool.query(
      'UPDATE throughline.in_tx SET next_at = now() WHERE ctid = ANY (ARRAY(SELECT ctid FROM throughline.in_tx FOR UPDATE SKIP LOCKED))',
    )
  const { nextMs, ...counts } = await settleInTx(pool, { rolledBackAfterMs })
  return counts
}
const none = { duplicates: 0, rolledBack: 0, parked: 0, waiting: 0 }
const never = 3_600_000

test('commit first: the copy is a duplicate, and the row takes its number', async () => {
  const { inside, copy } = aRecord()
  await client.query('BEGIN')
  await recordIn(client, inside)
  await client.query('COMMIT')
  await writer.write([copy])
  expect(await settle(never, false)).toEqual({ ...none, duplicates: 1 })
  expect(await waiting()).toBe(0)
  expect(await stored()).toMatchObject([{ duration_us: '1000', success: true, seq: copy.seq?.toString() }])
})

test('copy first: it waits for the transaction, and holds up neither the records beside it nor their answer', async () => {
  const { inside, copy } = aRecord()
  const ordinary = { ...aRecord().copy, inTx: false }
  await client.query('BEGIN')
  await recordIn(client, inside)
  expect(await writer.write([copy, ordinary])).toMatchObject({ inserted: 1, duplicates: 0, deadLettered: [] })
  expect(await settle(0)).toEqual({ ...none, waiting: 1 })
  expect(await stored()).toMatchObject([{ duration_us: '2000' }])
  await client.query('COMMIT')
  expect(await settle(0)).toEqual({ ...none, duplicates: 1 })
  expect((await stored()).map((row) => row.duration_us).sort()).toEqual(['1000', '2000'])
})

test('rolled back: the copy becomes a row that says so, without business values', async () => {
  const { inside, copy } = aRecord()
  await client.query('BEGIN')
  await recordIn(client, inside)
  await writer.write([copy])
  await client.query('ROLLBACK')
  expect(await settle(never)).toEqual({ ...none, waiting: 1 })
  expect(await stored()).toEqual([])
  expect(await settle(0)).toEqual({ ...none, rolledBack: 1 })
  const [row] = await stored()
  expect(row).toMatchObject({
    service: 'shop',
    operation_service: 'Shop',
    operation: 'book',
    user_id: '42',
    duration_us: '2000',
    success: false,
    error_type: 'rolled_back',
    error_message: 'the transaction that held the record was rolled back',
    metadata: { site: 'cologne' },
    business: null,
    instance,
    seq: copy.seq?.toString(),
  })
  // The minute of a row is summed up again when the row comes, and not before.
  const marks = await pool.query('SELECT start FROM throughline.rollup_marks')
  expect(marks.rows).toEqual([{ start: new Date(Math.floor(row.started_at.getTime() / 60_000) * 60_000) }])
  const { rows } = await pool.query(
    'SELECT count(*)::int AS n FROM throughline.operations WHERE bucket = throughline.bucket(correlation_id)',
  )
  expect(rows).toEqual([{ n: 1 }])
})

test('rolled back by an error: the row keeps its message and its stack', async () => {
  const { copy } = aRecord()
  const errorStack = 'NoStock: none is left\n    at book'
  await writer.write([
    { ...copy, success: false, errorType: 'NoStock', errorMessage: 'none is left', errorStack },
  ])
  expect(await settle(0)).toEqual({ ...none, rolledBack: 1 })
  expect(await stored()).toMatchObject([
    { error_type: 'rolled_back', error_message: 'NoStock: none is left', error_stack: errorStack },
  ])
})

test('a transaction that takes longer than any patience is never called rolled back', async () => {
  const { inside, copy } = aRecord()
  await client.query('BEGIN')
  await recordIn(client, inside)
  await writer.write([copy])
  for (let n = 0; n < 5; n += 1) expect(await settle(0)).toEqual({ ...none, waiting: 1 })
  await client.query('COMMIT')
  expect(await settle(0)).toEqual({ ...none, duplicates: 1 })
  expect(await stored()).toMatchObject([{ success: true, business: [{ value: '129.90' }] }])
})

test('a savepoint that is rolled back inside a transaction that commits takes the record with it', async () => {
  const { inside, copy } = aRecord()
  await client.query('BEGIN; SAVEPOINT part')
  await recordIn(client, inside)
  await client.query('ROLLBACK TO part; COMMIT')
  await writer.write([copy])
  expect(await settle(0)).toEqual({ ...none, rolledBack: 1 })
})

test('a record that comes after it was given up is right: the row becomes what it says', async () => {
  const { inside, copy } = aRecord()
  await writer.write([copy])
  expect(await settle(0)).toEqual({ ...none, rolledBack: 1 })
  await client.query('BEGIN')
  await recordIn(client, inside)
  await client.query('COMMIT')
  expect(await stored()).toMatchObject([
    {
      success: true,
      error_type: null,
      error_message: null,
      business: [{ value: '129.90' }],
      seq: copy.seq?.toString(),
    },
  ])
  // And the copy, delivered once more, does not change it back.
  await writer.write([copy])
  expect(await settle(0)).toEqual({ ...none, duplicates: 1 })
  expect(await stored()).toMatchObject([{ success: true }])
})

test('a copy delivered again, before and after it is settled, adds nothing, and all deliveries are counted', async () => {
  const { inside, copy } = aRecord()
  await client.query('BEGIN')
  await recordIn(client, inside)
  await Promise.all([writer.write([copy]), writer.write([copy])])
  expect(await waiting()).toBe(1)
  await client.query('COMMIT')
  await settle(never)
  await writer.write([copy])
  expect(await settle(never)).toEqual({ ...none, duplicates: 1 })
  expect(await stored()).toHaveLength(1)
  const { rows } = await pool.query(
    'SELECT min(lo) AS lo, max(hi) AS hi, sum(received)::int AS received FROM throughline.delivered',
  )
  expect(rows).toEqual([{ lo: copy.seq?.toString(), hi: copy.seq?.toString(), received: 3 }])
})

test('a copy that can never be a row is parked, and those beside it are settled', async () => {
  const good = aRecord().copy
  const deep = `{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`
  const bad = { ...aRecord().copy, metadata: deep }
  const old = { ...aRecord().copy, startedAtUs: good.startedAtUs - 400n * 86_400_000_000n }
  await writer.write([bad, good, old])
  expect(await settle(0)).toEqual({ ...none, rolledBack: 1, parked: 1 })
  expect(await waiting()).toBe(0)
  const { rows } = await pool.query(
    'SELECT sqlstate, instance, seq FROM throughline.dead_letter ORDER BY seq',
  )
  expect(rows).toEqual([
    { sqlstate: expect.stringMatching(/^54/), instance, seq: bad.seq?.toString() },
    { sqlstate: null, instance, seq: old.seq?.toString() },
  ])
})

test('several at once settle each copy once, among transactions that commit and roll back meanwhile', async () => {
  const records = Array.from({ length: 300 }, () => aRecord())
  const ends = records.map((_, n) => (n % 3 === 0 ? 'ROLLBACK' : 'COMMIT'))
  const transactions = (async () => {
    for (const [n, { inside }] of records.entries()) {
      await client.query('BEGIN')
      await recordIn(client, inside)
      await client.query(ends[n]!)
    }
  })()
  const copies = (async () => {
    for (let n = 0; n < 300; n += 30) await writer.write(records.slice(n, n + 30).map(({ copy }) => copy))
  })()
  let over = false
  const settlers = Array.from({ length: 3 }, async () => {
    while (!over) {
      await settle(0)
    }
  })
  await Promise.all([transactions, copies])
  await vi.waitUntil(async () => (await waiting()) === 0, { timeout: 15_000 })
  over = true
  await Promise.all(settlers)
  const rows = await stored()
  expect(rows).toHaveLength(300)
  const rolledBack = new Set(rows.filter((row) => row.error_type === 'rolled_back').map((row) => row.seq))
  expect(rolledBack.size).toBe(100)
  for (const [n, { copy }] of records.entries())
    if (ends[n] === 'ROLLBACK') expect(rolledBack).toContain(copy.seq?.toString())
})

test('the next one due is told, sooner for the young than for the old', async () => {
  expect(await settleInTx(pool, { rolledBackAfterMs: never })).toEqual({ ...none, nextMs: undefined })
  await writer.write([aRecord().copy])
  const young = await settleInTx(pool, { rolledBackAfterMs: never })
  expect(young).toMatchObject({ waiting: 1 })
  expect(young.nextMs).toBeLessThanOrEqual(200)
  await pool.query(`UPDATE throughline.in_tx SET next_at = now(), seen_at = now() - interval '1 hour'`)
  const old = await settleInTx(pool, { rolledBackAfterMs: 2 * never })
  expect(old.nextMs).toBeGreaterThan(9_000)
  expect(old.nextMs).toBeLessThanOrEqual(10_000)
})

test('the minute of a record is to be summed up again from the moment its transaction commits', async () => {
  const marks = async () => (await pool.query('SELECT start FROM throughline.rollup_marks')).rowCount
  const { inside } = aRecord()
  await client.query('BEGIN')
  await recordIn(client, inside)
  expect(await marks()).toBe(0)
  await client.query('COMMIT')
  expect(await marks()).toBe(1)
})
