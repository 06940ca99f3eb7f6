import { business, currentOperation, track } from '@throughline/core'
import type { Operation } from '@throughline/core/runtime'
import { createPool, ensurePartitions, migrate, type OperationRow } from '@throughline/postgres'
import { recordIn } from '@throughline/postgres/record-in'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  enableContexts,
  installRecordingRuntime,
  type RecordingRuntime,
} from '../../packages/core/testing/recording-runtime.js'
import { sealedOperation } from '../../packages/sdk/src/sealed-operation.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'

const instance = '018f6a2e-7c1b-7d3e-9a51-0123456789ab'
let database: TestDatabase
let pool: pg.Pool
let client: pg.Client
let runtime: RecordingRuntime
let disable: () => void

beforeAll(async () => {
  database = await testDatabase()
  await migrate(database.url)
  pool = createPool(database.url)
  await ensurePartitions(pool)
  client = new pg.Client({ connectionString: database.url })
  await client.connect()
  await client.query('CREATE TABLE bookings (n int PRIMARY KEY)')
})
afterAll(async () => {
  await client.end()
  await pool.end()
  await database.drop()
})
beforeEach(async () => {
  disable = enableContexts()
  runtime = installRecordingRuntime({
    serviceName: 'shop',
    seal: (operation, durationMs) =>
      sealedOperation(operation, { serviceName: 'shop', serviceVersion: '1.2.3', instance }, durationMs),
  })
  await pool.query('TRUNCATE throughline.operations, throughline.in_tx, bookings')
})
afterEach(() => {
  runtime.uninstall()
  disable()
})

const stored = async () =>
  (await pool.query('SELECT * FROM throughline.operations ORDER BY started_at')).rows as Record<
    string,
    unknown
  >[]
const booked = async () => (await pool.query('SELECT count(*)::int AS n FROM bookings')).rows[0].n as number

/** A tracked call that books and records in one transaction, and what comes after the record in it. */
const book = (end: 'COMMIT' | 'ROLLBACK', after = (): unknown => undefined) =>
  track('Shop.book', async () => {
    currentOperation()?.set({ site: 'cologne', order: { items: [1, 2] }, password: 'hush' })
    await client.query('BEGIN')
    await client.query('INSERT INTO bookings VALUES (1)')
    const put = await recordIn(client, currentOperation())
    await after()
    await client.query(end)
    return put
  })()

test('the row is committed with the work of its transaction', async () => {
  const value = business.money('record_in.value', { currency: 'USD' })
  const put = await track('Shop.book', async () => {
    currentOperation()?.set({ site: 'cologne', order: { items: [1, 2] }, password: 'hush' })
    value.add('129.90')
    await client.query('BEGIN; INSERT INTO bookings VALUES (1)')
    const result = await recordIn(client, currentOperation(), { user: '42' })
    expect(await stored()).toEqual([])
    await client.query('COMMIT')
    return result
  })()
  expect(put).toBe(true)
  expect(await booked()).toBe(1)
  const operation = runtime.last()
  const [row] = await stored()
  expect(row).toMatchObject({
    trace_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    span_id: BigInt.asIntN(64, BigInt(`0x${operation.spanId}`)).toString(),
    parent_span_id: null,
    correlation_id: operation.correlationId,
    service: 'shop',
    service_version: '1.2.3',
    operation_service: 'Shop',
    operation: 'book',
    user_id: '42',
    success: true,
    error_type: null,
    metadata: { site: 'cologne', order: { items: [1, 2] }, password: '[redacted]' },
    business: [{ name: 'business.record_in.value', labels: { currency: 'USD' }, value: '129.90' }],
    instance,
    seq: null,
  })
  expect(String(row?.trace_id).replaceAll('-', '')).toBe(operation.traceId)
  const us = await pool.query(
    'SELECT (extract(epoch FROM started_at) * 1000000)::int8 AS us FROM throughline.operations',
  )
  expect(BigInt(us.rows[0].us)).toBe(operation.startUnixNano / 1000n)
  const lasted = BigInt(String(row?.duration_us))
  expect(lasted).toBeGreaterThan(0n)
  expect(Number(lasted)).toBeLessThanOrEqual(operation.durationMs * 1000)
})

test('a rollback takes the row with it', async () => {
  expect(await book('ROLLBACK')).toBe(true)
  expect(await booked()).toBe(0)
  expect(await stored()).toEqual([])
})

test('a statement that fails after the record takes it away, and the call fails as it would without', async () => {
  const fails = () => client.query('INSERT INTO bookings VALUES (1)')
  await expect(book('COMMIT', fails)).rejects.toMatchObject({ code: '23505' })
  await client.query('ROLLBACK')
  expect(await stored()).toEqual([])
  expect(runtime.last()).toMatchObject({ outcome: 'failure', sealed: true })
})

test('a transaction that is broken already refuses the record, and nothing hides it', async () => {
  const call = track('Shop.book', async () => {
    await client.query('BEGIN')
    await client.query('SELECT 1 / 0').catch(() => {})
    return recordIn(client, currentOperation())
  })
  await expect(call()).rejects.toMatchObject({ code: '25P02' })
  await client.query('ROLLBACK')
})

test('what comes after the record is refused and counted, and is on no row', async () => {
  const value = business.counter('record_in.count')
  await book('COMMIT', () => {
    currentOperation()?.set({ late: true })
    value.add(1)
  })
  expect(runtime.count('operation_sealed')).toBe(2)
  expect(runtime.notices.map(({ detail }) => detail)).toEqual([
    'set after recordIn in Shop.book',
    'business value after recordIn in Shop.book',
  ])
  const [row] = await stored()
  expect(row).toMatchObject({ business: null })
  expect(row?.metadata).not.toHaveProperty('late')
  expect(runtime.last().metadata).not.toHaveProperty('late')
})

test('an operation is recorded once: a second time, after its end, and without an SDK nothing happens', async () => {
  let second: boolean | undefined
  let escaped: Operation | undefined
  await book('COMMIT', async () => {
    escaped = currentOperation() as Operation
    second = await recordIn(client, escaped)
  })
  expect(second).toBe(false)
  expect(await recordIn(client, escaped)).toBe(false)
  expect(runtime.count('operation_sealed')).toBe(2)
  expect(await recordIn(client, undefined)).toBe(false)
  const unrecorded = track('Shop.look', () => recordIn(client, currentOperation()), { record: false })
  expect(await unrecorded()).toBe(false)
  expect(await stored()).toHaveLength(1)
})

test('a pool, and what is no transaction at all, is refused before anything is sealed', async () => {
  await track('Shop.book', async () => {
    const operation = currentOperation()
    await expect(recordIn(pool, operation)).rejects.toMatchObject({ code: 'TL_NOT_A_TRANSACTION' })
    await expect(recordIn({} as never, operation)).rejects.toMatchObject({ code: 'TL_NOT_A_TRANSACTION' })
  })()
  expect(runtime.last().sealed).toBe(false)
})

test('what Postgres could not store does not break the transaction: it is replaced or cut', async () => {
  await track('Shop.book', async () => {
    currentOperation()?.set({ odd: 'a\0b\ud800c', 'k\0ey': { deep: '\0' } })
    await client.query('BEGIN')
    expect(await recordIn(client, currentOperation(), { user: `${'é'.repeat(400)}` })).toBe(true)
    await client.query('COMMIT')
  })()
  const [row] = await stored()
  expect(row?.metadata).toEqual({ odd: 'a\ufffdb\ufffdc', 'k\ufffdey': { deep: '\ufffd' } })
  expect(row?.user_id).toBe('é'.repeat(256))
})

test('a record beyond the limits stays out of the transaction, which goes on', async () => {
  const sealed = { ...(await sample()), business: JSON.stringify(['x'.repeat(70_000)]) }
  await client.query('BEGIN; INSERT INTO bookings VALUES (1)')
  expect(await recordIn(client, { seal: () => sealed })).toBe(false)
  await client.query('COMMIT')
  expect(await booked()).toBe(1)
  expect(await stored()).toEqual([])
})

test('a day without a partition gets one', async () => {
  const startedAtUs = BigInt(Date.now() - 20 * 86_400_000) * 1000n
  const sealed = { ...(await sample()), startedAtUs }
  await client.query('BEGIN')
  expect(await recordIn(client, { seal: () => sealed })).toBe(true)
  await client.query('COMMIT')
  expect(await stored()).toHaveLength(1)
})

const sample = async (): Promise<OperationRow> => {
  let sealed: OperationRow | undefined
  await track('Shop.book', async () => {
    sealed = currentOperation()?.seal()
  })()
  return sealed!
}
