import { ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api'
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace'
import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { type TestServer, testServer } from '../../../../tests/support/postgres.js'
import { createPool, migrate } from '../index.js'
import { PostgresSpanExporter } from '../span-exporter.js'

let server: TestServer
let pool: pg.Pool

beforeAll(async () => {
  server = await testServer()
  await migrate(server.url)
  pool = createPool(server.url)
})
afterAll(() => pool.end())
beforeEach(async () => {
  await pool.query('TRUNCATE throughline.operations, throughline.dead_letter, throughline.in_tx')
})

const stored = async () =>
  (await pool.query('SELECT * FROM throughline.operations ORDER BY started_at, operation')).rows
const resource = {
  attributes: { 'service.name': 'billing', 'service.version': '1.2.3' },
  merge: () => resource,
  getRawAttributes: () => Object.entries(resource.attributes),
} as NonNullable<NonNullable<ConstructorParameters<typeof TracerProvider>[0]>['resource']>
/** A plain OpenTelemetry set-up: nothing of ours but the exporter. */
const openTelemetry = (exporter: SpanExporter) => {
  const provider = new TracerProvider({
    resource,
    spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: 50 })],
  })
  return {
    provider,
    operations: provider.getTracer('throughline.operations'),
    other: provider.getTracer('somebody.else'),
  }
}

test('a span of the scope of operations becomes the row that the contract describes', async () => {
  const { provider, operations, other } = openTelemetry(new PostgresSpanExporter({ databaseUrl: server.url }))
  const request = other.startSpan('GET /charge')
  const span = operations.startSpan(
    'Billing.charge',
    {
      startTime: [1_763_683_200 + Math.floor(Date.now() / 1000 - 1_763_683_200), 1_999],
      attributes: {
        'correlation.id': 'order-4711',
        'user.id': 42,
        'metadata.site': 'cologne',
        'metadata.list': [1, 2],
      },
    },
    trace.setSpan(ROOT_CONTEXT, request),
  )
  span.recordException(Object.assign(new Error('declined'), { name: 'Declined' }))
  span.setStatus({ code: SpanStatusCode.ERROR, message: 'declined' })
  span.end()
  request.end()
  await provider.shutdown()
  const { traceId, spanId } = span.spanContext()
  const rows = await stored()
  expect(rows).toMatchObject([
    {
      span_id: BigInt.asIntN(64, BigInt(`0x${spanId}`)).toString(),
      parent_span_id: BigInt.asIntN(64, BigInt(`0x${request.spanContext().spanId}`)).toString(),
      correlation_id: 'order-4711',
      service: 'billing',
      service_version: '1.2.3',
      operation_service: 'Billing',
      operation: 'charge',
      user_id: '42',
      success: false,
      error_type: 'Declined',
      error_message: 'declined',
      error_stack: expect.stringContaining('declined\n'),
      metadata: { site: 'cologne', list: [1, 2] },
    },
  ])
  expect(rows[0].trace_id.replaceAll('-', '')).toBe(traceId)
  const us = await pool.query(
    'SELECT (extract(epoch FROM started_at) * 1000000)::int8 % 1000000 AS us FROM throughline.operations',
  )
  expect(us.rows[0].us).toBe('1')
})

test('which spans are records is for the application to say', async () => {
  const isRecord = (span: { name: string }) => span.name.startsWith('GET ')
  const { provider, operations, other } = openTelemetry(new PostgresSpanExporter({ pool, isRecord }))
  other.startSpan('GET /charge').end()
  operations.startSpan('Billing.charge').end()
  await provider.shutdown()
  expect((await stored()).map((row) => row.operation)).toEqual(['GET /charge'])
  // The pool is the application's.
  expect(pool.ended).toBe(false)
})

test('the same spans exported again add nothing, and what can never be a row is parked', async () => {
  const exporter = new PostgresSpanExporter({ pool })
  const exportAll = exporter.export.bind(exporter)
  vi.spyOn(exporter, 'export').mockImplementation((spans, done) => {
    exportAll(spans, () => exportAll(spans, done))
  })
  const { provider, operations } = openTelemetry(exporter)
  operations.startSpan('Billing.charge').end()
  operations.startSpan('Billing.odd', { attributes: { 'throughline.business': 'no JSON' } }).end()
  await provider.shutdown()
  expect(await stored()).toHaveLength(1)
  expect((await pool.query('SELECT reason FROM throughline.dead_letter')).rows).toHaveLength(1)
  expect(exporter.lost).toBe(0)
})

test('the copy of a record of recordIn is left to its transaction', async () => {
  const { provider, operations } = openTelemetry(new PostgresSpanExporter({ pool }))
  operations.startSpan('Billing.charge', { attributes: { 'throughline.in_tx': true } }).end()
  await provider.shutdown()
  expect(await stored()).toEqual([])
  expect((await pool.query('SELECT FROM throughline.in_tx')).rowCount).toBe(0)
})

test('a Postgres that comes back in time gets the records; one that does not loses them, counted and said', async () => {
  const exporter = new PostgresSpanExporter({ databaseUrl: server.url, retryForMs: 15_000 })
  const impatient = new PostgresSpanExporter({ databaseUrl: server.url, retryForMs: 300 })
  const { provider, operations } = openTelemetry(exporter)
  operations.startSpan('Billing.warm').end()
  await provider.forceFlush()
  await server.stop()
  operations.startSpan('Billing.charge').end()
  const sent = provider.forceFlush()
  const span = { ...aSpan, spanContext: () => ({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }) }
  const result = await new Promise((resolve) => impatient.export([span], resolve))
  expect(result).toMatchObject({
    code: 1,
    error: { message: expect.stringContaining('1 records are lost') },
  })
  expect(impatient.lost).toBe(1)
  await server.start()
  await sent
  await vi.waitUntil(async () => (await stored().catch(() => [])).length === 2, { timeout: 15_000 })
  expect((await stored()).map((row) => row.operation).sort()).toEqual(['charge', 'warm'])
  expect(exporter.lost).toBe(0)
  await Promise.all([provider.shutdown(), impatient.shutdown()])
})

test('a shutdown while Postgres is away does not wait for it', async () => {
  const exporter = new PostgresSpanExporter({
    databaseUrl: 'postgres://nobody@127.0.0.1:1/nowhere',
    retryForMs: 600_000,
  })
  let result: { code: number } | undefined
  exporter.export([aSpan], (given) => {
    result = given
  })
  await exporter.shutdown()
  expect(result?.code).toBe(1)
})

test('takes a URL or a pool', () => {
  expect(() => new PostgresSpanExporter({})).toThrow(expect.objectContaining({ code: 'TL_POSTGRES_OPTION' }))
})

const now = Math.floor(Date.now() / 1000)
const aSpan = {
  name: 'Billing.charge',
  startTime: [now, 0],
  endTime: [now, 1_000_000],
  attributes: {},
  status: { code: 0 },
  events: [],
  resource: { attributes: {} },
  instrumentationScope: { name: 'throughline.operations' },
  spanContext: () => ({ traceId: 'c'.repeat(32), spanId: 'd'.repeat(16) }),
} as const
