import { randomUUID } from 'node:crypto'
import { listDeadLetters } from '@throughline/postgres/dead-letters'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { aSpan, nowNs, post, requestOf } from '../test/requests.js'
import { useRecorder } from '../test/running-recorder.js'
import { retryDeadLetters } from './dead-letters.js'

const recorder = useRecorder()
let pool: pg.Pool

beforeAll(() => {
  pool = new pg.Pool({ connectionString: recorder.databaseUrl })
})
afterAll(() => pool.end())

const dayNs = 86_400_000_000_000n
const letters = async () => (await listDeadLetters(pool, { limit: 100 })).letters
const received = async (): Promise<number> =>
  (await pool.query('SELECT sum(received)::int AS n FROM throughline.delivered')).rows[0].n

test('a record that was too old is stored as it was, once the retention is longer', async () => {
  const instance = randomUUID()
  const startTimeUnixNano = nowNs() - 100n * dayNs + 999n
  const attributes = {
    'correlation.id': 'old',
    'throughline.instance': instance,
    'throughline.seq': 7,
    'metadata.n': 2n ** 60n,
  }
  await post(recorder.url, requestOf([aSpan({ startTimeUnixNano, attributes })]))
  expect(await letters()).toMatchObject([{ instance, seq: '7', retries: 0, reason: /retention of 90/ }])

  expect(await retryDeadLetters(pool)).toMatchObject({ stored: 0, kept: [{ reason: /retention of 90/ }] })
  expect(await letters()).toMatchObject([{ retries: 1, retriedAt: expect.any(Date) }])
  expect(await recorder.rows()).toEqual([])

  expect(await retryDeadLetters(pool, { retentionDays: 200 })).toEqual({ stored: 1, known: 0, kept: [] })
  expect(await letters()).toEqual([])
  const { rows } = await pool.query(
    `SELECT (extract(epoch FROM started_at) * 1000000)::int8::text AS us, correlation_id, seq, metadata->>'n' AS n
     FROM throughline.operations`,
  )
  expect(rows).toEqual([
    { us: String(startTimeUnixNano / 1000n), correlation_id: 'old', seq: '7', n: String(2n ** 60n) },
  ])
  // It was delivered once, however often it was tried.
  expect(await received()).toBe(1)
})

test('what can never be stored stays, and is tried by its ID alone', async () => {
  const poison = {
    'throughline.business': 'none',
    'throughline.instance': randomUUID(),
    'throughline.seq': 1,
  }
  await post(
    recorder.url,
    requestOf([
      aSpan({ attributes: poison }),
      aSpan({ attributes: { metadata: '{"n": 1e200000}' } }),
      aSpan({ traceId: '0'.repeat(32) }),
    ]),
  )
  const [first, ...others] = await letters()
  expect(others).toHaveLength(2)
  const tried = await retryDeadLetters(pool, { ids: [first!.id] })
  expect(tried).toMatchObject({ stored: 0, known: 0, kept: [{ id: first!.id }] })
  expect((await letters()).map((letter) => letter.retries).sort()).toEqual([0, 0, 1])
  expect((await retryDeadLetters(pool)).kept).toHaveLength(3)
  expect(await letters()).toHaveLength(3)
})

test('a span that once was refused becomes its row, as it would today, or is parked as a row', async () => {
  const spans = [aSpan({ attributes: { 'metadata.n': 7 } }), aSpan({ traceId: '0'.repeat(32) })]
  // As a version with other rules would have parked them.
  for (const span of spans) {
    const { startTimeUnixNano, endTimeUnixNano, ...rest } = { ...span, events: [], links: [] }
    const body = JSON.stringify({ resource: { 'service.name': 'billing' }, span: rest }).replace(
      /\}\}$/,
      `,"startTimeUnixNano":${startTimeUnixNano},"endTimeUnixNano":${endTimeUnixNano}}}`,
    )
    await pool.query(
      `INSERT INTO throughline.dead_letter (digest, reason, body) VALUES (sha256($1), 'as it was', $1)`,
      [Buffer.from(body)],
    )
  }
  expect(await retryDeadLetters(pool)).toMatchObject({
    stored: 1,
    known: 0,
    kept: [{ reason: /trace ID is not/ }],
  })
  expect(await letters()).toMatchObject([{ reason: /trace ID is not/ }])
  expect(await recorder.rows()).toMatchObject([{ service: 'billing', operation: 'charge' }])
})

test('bytes that are no record of ours stay', async () => {
  for (const body of ['no json', '{}', '{"row":{"startedAtUs":"x"}}', '{"resource":{},"span":{}}', 'null'])
    await pool.query(
      `INSERT INTO throughline.dead_letter (digest, reason, body) VALUES (sha256($1), 'by hand', $1)`,
      [Buffer.from(body)],
    )
  expect((await retryDeadLetters(pool)).kept).toHaveLength(5)
  expect(await letters()).toHaveLength(5)
})
