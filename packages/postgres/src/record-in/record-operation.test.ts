import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../../tests/support/postgres.js'
import { cutText } from '../clean-text.js'
import { createPool, createWriter, ensurePartitions, migrate } from '../index.js'
import { recordIn } from '../record-in.js'

let database: TestDatabase
let pool: pg.Pool

beforeAll(async () => {
  database = await testDatabase()
  await migrate(database.url)
  pool = createPool(database.url)
  await ensurePartitions(pool)
})
afterAll(async () => {
  await pool.end()
  await database.drop()
})
beforeEach(async () => {
  await pool.query('TRUNCATE throughline.operations')
})

const record = async (entry: unknown): Promise<boolean> =>
  (await pool.query('SELECT throughline.record_operation($1::jsonb) AS added', [JSON.stringify(entry)]))
    .rows[0].added
const stored = async () => (await pool.query('SELECT * FROM throughline.operations ORDER BY operation')).rows

test('from SQL alone: what is left out is made up, and the operation lasts as long as its transaction until then', async () => {
  await pool.query(`DO $$ BEGIN
    PERFORM pg_sleep(0.05);
    PERFORM throughline.record_operation('{"operation": "archive"}');
  END $$`)
  const [row] = await stored()
  expect(row).toMatchObject({
    operation: 'archive',
    operation_service: 'unknown_service',
    service: 'unknown_service',
    success: true,
    parent_span_id: null,
    user_id: null,
    metadata: null,
    business: null,
    instance: null,
    seq: null,
    correlation_id: row.trace_id.replaceAll('-', ''),
  })
  expect(Number(row.duration_us)).toBeGreaterThanOrEqual(50_000)
})

test('the same key again adds nothing, whatever it says', async () => {
  const key = {
    started_at: new Date().toISOString(),
    trace_id: randomBytes(16).toString('hex'),
    span_id: 'fedcba9876543210',
  }
  expect(await record({ ...key, operation: 'one' })).toBe(true)
  expect(await record({ ...key, operation: 'two' })).toBe(false)
  expect(await stored()).toMatchObject([{ operation: 'one', span_id: '-81985529216486896' }])
})

test.each([
  ['a list', [1], '22023'],
  ['no trace ID', { trace_id: 'short' }, '22P02'],
  ['a trace ID of zeros', { trace_id: '0'.repeat(32) }, '22023'],
  ['a span ID with a wrong digit', { span_id: 'g'.repeat(16) }, '22023'],
  ['a span ID of zeros', { span_id: '0'.repeat(16) }, '22023'],
  ['a negative duration', { duration_us: -1 }, '22023'],
  ['business values that are no list', { business: { name: 'x' } }, '22023'],
  ['a day that no partition is made for', { started_at: '1970-01-01T00:00:00Z' }, '22023'],
])('refuses %s', async (_, entry, code) => {
  await expect(record(entry)).rejects.toMatchObject({ code })
  expect(await stored()).toEqual([])
})

test('limits are those of the contract', async () => {
  await record({ operation: 'a', metadata: { x: 'y'.repeat(70_000) } })
  await record({ operation: 'b', metadata: ['no object'], error_message: 'm'.repeat(9_000), user_id: '' })
  expect(await stored()).toMatchObject([
    { metadata: { _dropped: 'size' } },
    { metadata: { _invalid: ['no object'] }, error_message: 'm'.repeat(8_192), user_id: null },
  ])
})

test('texts are cut at the same character as in TypeScript', async () => {
  const texts = fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => !text.includes('\0'))
  await fc.assert(
    fc.asyncProperty(texts, fc.integer({ min: 1, max: 60 }), async (text, most) => {
      const { rows } = await pool.query('SELECT throughline.cut($1, $2) AS cut', [text.toWellFormed(), most])
      expect(rows[0].cut).toBe(text === '' ? null : cutText(text.toWellFormed(), most))
    }),
    { numRuns: 200 },
  )
})

test('any row comes to the same by recordIn as by the writer', async () => {
  const name = fc.string({ unit: 'binary', maxLength: 300 })
  const optional = fc.option(name)
  const json = fc.option(
    fc.dictionary(name, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 }).map((value) => JSON.stringify(value)),
  )
  const rows = fc.record({
    startedAtUs: fc.integer({ min: 0, max: 1_000_000 }).map((us) => BigInt(Date.now()) * 1000n - BigInt(us)),
    traceId: fc.constant(0).map(() => randomBytes(16).toString('hex')),
    spanId: fc.constant(0).map(() => randomBytes(8).toString('hex')),
    parentSpanId: fc.option(fc.constant('00f067aa0ba902b7')),
    correlationId: name.filter((text) => text !== ''),
    service: name.filter((text) => text !== ''),
    serviceVersion: optional.map((text) => text || null),
    operationService: name.filter((text) => text !== ''),
    operation: name,
    userId: optional.map((text) => text || null),
    durationUs: fc.bigInt({ min: 0n, max: 2n ** 62n }),
    success: fc.boolean(),
    errorType: fc.constant(null),
    errorMessage: fc.constant(null),
    errorStack: fc.constant(null),
    metadata: json,
    business: fc.constant(null),
    instance: fc.option(fc.uuid()),
    seq: fc.constant(null),
  })
  const writer = createWriter(pool)
  const client = await pool.connect()
  await fc.assert(
    fc.asyncProperty(rows, async (row) => {
      await pool.query('TRUNCATE throughline.operations')
      await writer.write([row])
      const [{ recorded_at: _, ...written }] = await stored()
      await pool.query('TRUNCATE throughline.operations')
      await client.query('BEGIN')
      expect(await recordIn(client, { seal: () => row })).toBe(true)
      await client.query('COMMIT')
      const [{ recorded_at: __, ...recorded }] = await stored()
      expect(recorded).toEqual(written)
    }),
    { numRuns: 60 },
  )
  client.release()
})

test('an application needs no right but to call it', async () => {
  const role = `app_${randomBytes(4).toString('hex')}`
  await pool.query(`CREATE ROLE ${role} LOGIN PASSWORD 'p';
    GRANT USAGE ON SCHEMA throughline TO ${role};
    GRANT EXECUTE ON FUNCTION throughline.record_operation(jsonb) TO ${role}`)
  const url = new URL(database.url)
  url.username = role
  url.password = 'p'
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  try {
    const day = new Date(Date.now() - 30 * 86_400_000).toISOString()
    await client.query('SELECT throughline.record_operation($1)', [{ operation: 'x', started_at: day }])
    await expect(client.query('SELECT * FROM throughline.operations')).rejects.toMatchObject({
      code: '42501',
    })
    await expect(client.query(`SELECT throughline.settle_in_tx('1 s', 1)`)).rejects.toMatchObject({
      code: '42501',
    })
  } finally {
    await client.end()
  }
  expect(await stored()).toHaveLength(1)
  await pool.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
})
