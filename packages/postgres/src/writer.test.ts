import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { anOperationRow } from '../../../tests/support/operation-rows.js'
import { type TestDatabase, testDatabase } from '../../../tests/support/postgres.js'
import { createPool, createWriter, ensurePartitions, migrate, type OperationRow } from './index.js'

const dayUs = 86_400_000_000n

const aRow = anOperationRow
const rowsOf = (count: number): OperationRow[] =>
  Array.from({ length: count }, (_, n) => aRow({ seq: BigInt(n + 1) }))

const shuffled = <T>(items: readonly T[]): T[] =>
  items
    .map((item) => ({ item, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item)

describe('writer', () => {
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
    await pool.query('TRUNCATE throughline.operations, throughline.dead_letter')
  })

  const stored = async (): Promise<number> =>
    (await pool.query('SELECT count(*)::int AS n FROM throughline.operations')).rows[0].n
  const parked = async () => {
    const { rows } = await pool.query(
      `SELECT sqlstate, reason, convert_from(body, 'UTF8')::json -> 'row' AS row FROM throughline.dead_letter
       ORDER BY (convert_from(body, 'UTF8')::json -> 'row' ->> 'seq')::int8`,
    )
    return rows as { sqlstate: string | null; reason: string; row: Record<string, unknown> }[]
  }

  test('a row comes back as it was written, to the microsecond and to the digit', async () => {
    const row = aRow({
      startedAtUs: BigInt(Date.now()) * 1000n + 123n,
      spanId: 'fedcba9876543210',
      parentSpanId: '0000000000000001',
      durationUs: 90_071_992_547_409n,
      success: false,
      errorType: 'NoDyno',
      errorMessage: 'none is free',
      errorStack: 'NoDyno: none is free\n    at book',
      business: '[{"name":"business.value","labels":{"currency":"USD"},"value":"129.90"}]',
      seq: 9_007_199_254_740_993n,
    })
    expect(await createWriter(pool).write([row])).toEqual({ inserted: 1, duplicates: 0, deadLettered: [] })
    const { rows } = await pool.query(
      `SELECT *, (extract(epoch FROM started_at) * 1000000)::int8 AS started_us, recorded_at > now() - interval '1 minute' AS fresh,
              throughline.bucket(correlation_id) = bucket AS same_bucket FROM throughline.operations`,
    )
    expect(rows[0]).toMatchObject({
      started_us: String(row.startedAtUs),
      trace_id: row.traceId.replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
      span_id: BigInt.asIntN(64, 0xfedcba9876543210n).toString(),
      parent_span_id: '1',
      duration_us: '90071992547409',
      success: false,
      correlation_id: 'order-4711',
      service: 'billing',
      service_version: '1.2.3',
      operation_service: 'Billing',
      operation: 'charge',
      user_id: '42',
      error_type: 'NoDyno',
      error_message: 'none is free',
      error_stack: row.errorStack,
      metadata: { site: 'cologne' },
      business: [{ name: 'business.value', labels: { currency: 'USD' }, value: '129.90' }],
      instance: row.instance,
      seq: '9007199254740993',
      fresh: true,
      same_bucket: true,
    })
    const metrics = await pool.query('SELECT * FROM throughline.metrics')
    expect(metrics.rows[0]).toMatchObject({
      id: `${row.traceId}-fedcba9876543210`,
      service_name: 'Billing',
      method_name: 'charge',
      user_id: '42',
      duration_ms: 90_071_992_547.409,
    })
  })

  test('a batch delivered twice leaves one row each', async () => {
    const writer = createWriter(pool)
    const rows = rowsOf(500)
    expect(await writer.write(rows)).toMatchObject({ inserted: 500, duplicates: 0 })
    expect(await writer.write(shuffled(rows))).toMatchObject({ inserted: 0, duplicates: 500 })
    expect(await stored()).toBe(500)
  })

  test('overlapping batches and doubles within one leave one row each', async () => {
    const writer = createWriter(pool)
    const rows = rowsOf(300)
    await writer.write(rows.slice(0, 200))
    expect(await writer.write([...rows.slice(100), ...rows.slice(250)])).toMatchObject({
      inserted: 100,
      duplicates: 150,
    })
    expect(await stored()).toBe(300)
  })

  test('two deliveries of the same batch at once, in different order, both succeed and leave one row each', async () => {
    for (let round = 0; round < 10; round += 1) {
      const rows = rowsOf(400)
      const results = await Promise.all([
        createWriter(pool).write(shuffled(rows)),
        createWriter(pool).write(shuffled(rows)),
      ])
      expect(results[0].inserted + results[1].inserted).toBe(400)
      expect(results[0].duplicates + results[1].duplicates).toBe(400)
    }
    expect(await stored()).toBe(4_000)
  })

  test('rows that Postgres refuses are parked with its reason, the rest is stored', async () => {
    const rows = rowsOf(100)
    rows[7] = { ...rows[7]!, metadata: '{"broken": ' }
    rows[50] = { ...rows[50]!, metadata: '{"n": 1e200000}' }
    const result = await createWriter(pool).write(rows)
    expect(result).toMatchObject({ inserted: 98, duplicates: 0 })
    expect(result.deadLettered.map(({ index, sqlState }) => [index, sqlState])).toEqual([
      [7, '22P02'],
      [50, '22003'],
    ])
    expect(await parked()).toMatchObject([
      { sqlstate: '22P02', row: { traceId: rows[7]!.traceId, metadata: '{"broken": ' } },
      { sqlstate: '22003', row: { traceId: rows[50]!.traceId } },
    ])
    await createWriter(pool).write(rows)
    expect(await stored()).toBe(98)
    expect(await parked()).toHaveLength(2)
  })

  test('many rows at fault, beside rows that are known already, are each parked once', async () => {
    const writer = createWriter(pool)
    const rows = rowsOf(64)
    await writer.write(rows.slice(0, 10))
    const mixed = rows.map((row, n) => (n >= 20 && n % 2 === 0 ? { ...row, metadata: '[' } : row))
    const result = await writer.write(mixed)
    expect(result).toMatchObject({ inserted: 32, duplicates: 10 })
    expect(result.deadLettered.map(({ index }) => index)).toEqual(
      Array.from({ length: 22 }, (_, n) => 20 + 2 * n),
    )
    expect(await stored()).toBe(42)
    expect(await parked()).toHaveLength(22)
  })

  test('NUL and lone surrogates become U+FFFD in text and in JSON, and a written backslash stays one', async () => {
    const row = aRow({
      correlationId: 'a\0b\ud800c',
      errorMessage: '\udc00',
      metadata: `{"nul": "a\\u0000b", "high": "\\ud800", "low": "\\uDC00x", "pair": "\\ud83d\\ude00", "text": "\\\\u0000", "raw": "\ud800"}`,
    })
    expect(await createWriter(pool).write([row])).toMatchObject({ inserted: 1, deadLettered: [] })
    const { rows } = await pool.query(
      'SELECT correlation_id, error_message, metadata FROM throughline.operations',
    )
    expect(rows[0]).toEqual({
      correlation_id: 'a\ufffdb\ufffdc',
      error_message: '\ufffd',
      metadata: {
        nul: 'a\ufffdb',
        high: '\ufffd',
        low: '\ufffdx',
        pair: '😀',
        text: '\\u0000',
        raw: '\ufffd',
      },
    })
  })

  test('long texts are cut at a whole character, metadata that is too large is dropped, the row stays', async () => {
    const long = aRow({
      correlationId: `${'x'.repeat(510)}€`,
      userId: '😀'.repeat(200),
      errorMessage: 'm'.repeat(9_000),
      errorStack: 's'.repeat(40_000),
      metadata: JSON.stringify({ text: 'x'.repeat(65_536) }),
    })
    await createWriter(pool).write([long])
    const { rows } = await pool.query(
      `SELECT correlation_id, user_id, length(error_message) AS message, length(error_stack) AS stack, metadata FROM throughline.operations`,
    )
    expect(rows[0]).toEqual({
      correlation_id: 'x'.repeat(510),
      user_id: '😀'.repeat(128),
      message: 8_192,
      stack: 32_768,
      metadata: { _dropped: 'size' },
    })
  })

  test('business values that are too large, and start times out of the window, send the record to dead_letter', async () => {
    const now = BigInt(Date.now()) * 1000n
    const result = await createWriter(pool, { retentionDays: 30 }).write([
      aRow({ business: JSON.stringify([{ name: 'n', labels: {}, value: '1'.repeat(65_536) }]) }),
      aRow({ startedAtUs: now - 31n * dayUs }),
      aRow({ startedAtUs: now + dayUs + 60_000_000n }),
      aRow({ durationUs: -1n }),
      aRow({ traceId: '0'.repeat(32) }),
    ])
    expect(result.inserted).toBe(0)
    expect(result.deadLettered.map(({ reason }) => reason)).toEqual([
      'the business values are larger than 65536 bytes',
      'the start time is more than the retention of 30 days back',
      'the start time is more than one day ahead',
      'the end time is before the start time',
      'the trace ID is not 16 bytes, or all zero',
    ])
    expect(await parked()).toHaveLength(5)
  })

  test('a late record within the retention gets its partition, by COPY and by INSERT', async () => {
    const writer = createWriter(pool)
    const now = BigInt(Date.now()) * 1000n
    const first = aRow({ startedAtUs: now - 20n * dayUs })
    expect(await writer.write([first, ...rowsOf(3)])).toMatchObject({ inserted: 4, deadLettered: [] })
    await writer.write([first])
    const second = aRow({ startedAtUs: now - 21n * dayUs })
    expect(await writer.write([first, second])).toEqual({ inserted: 1, duplicates: 1, deadLettered: [] })
    const { rows } = await pool.query(
      `SELECT pg_get_expr(relpartbound, oid) AS bound FROM pg_class WHERE relname = $1`,
      [
        `operations_${new Date(Number(first.startedAtUs / 1000n)).toISOString().slice(0, 10).replaceAll('-', '')}`,
      ],
    )
    expect(rows).toHaveLength(1)
  })

  test('a table that is locked makes the write fail as retryable, with nothing stored and the pool usable', async () => {
    const impatient = createPool(database.url, { statementTimeoutMs: 200 })
    const holder = await pool.connect()
    await holder.query('BEGIN; LOCK TABLE throughline.operations IN ACCESS EXCLUSIVE MODE')
    const rows = rowsOf(2)
    await expect(createWriter(impatient).write(rows)).rejects.toMatchObject({ code: '57014' })
    await holder.query('ROLLBACK')
    holder.release()
    expect(await stored()).toBe(0)
    expect(await createWriter(impatient).write(rows)).toMatchObject({ inserted: 2 })
    await impatient.end()
  })
})
