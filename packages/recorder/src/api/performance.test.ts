import { rollUp } from '@throughline/postgres/rollups'
import pg from 'pg'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { contractOf } from '../../test/api-contract.js'
import { aRow, writeRows } from '../../test/rows.js'
import { useRecorder } from '../../test/running-recorder.js'
import type { PerformanceAnswer, Problem } from '../client.js'

const recorder = useRecorder()
let api: Awaited<ReturnType<typeof contractOf>>

beforeAll(async () => {
  const { url } = await recorder.another({ jaegerUrl: 'http://127.0.0.1:16686/' })
  api = await contractOf(url)
})
beforeEach(async () => {
  await recorder.client.query(
    'TRUNCATE throughline.rollup_marks, throughline.rollup_operations, throughline.rollup_business, throughline.rollup_users',
  )
})

const minuteMs = 60_000
const now = Date.now()
const at = (minutesAgo: number): bigint => BigInt(now - minutesAgo * minuteMs) * 1000n
let asked = 0
// Each question of its own: an answer of the last second would be an old one.
const ask = (query: string) => {
  asked += 1
  return api.json<PerformanceAnswer>(
    `/metrics/performance?top=${20 + asked}${query === '' ? '' : `&${query}`}`,
  )
}
const sumUp = async (): Promise<void> => {
  const pool = new pg.Pool({ connectionString: recorder.databaseUrl })
  await rollUp(pool)
  await pool.end()
}

test('the figures of a day are those of its rows, from the rows and from the sums', async () => {
  const rows = Array.from({ length: 100 }, (_, n) =>
    aRow({
      startedAtUs: at(10 + n),
      durationUs: BigInt((n + 1) * 1000),
      success: n % 10 !== 0,
      errorType: n % 10 === 0 ? (n % 20 === 0 ? 'NoDyno' : 'Timeout') : null,
      operation: n % 4 === 0 ? 'refund' : 'charge',
      correlationId: `order-${n}`,
    }),
  )
  await writeRows(recorder.databaseUrl, rows)
  for (const from of ['rows', 'sums']) {
    const { total, operations, errors, slowest, steps, source, before, change, distribution } = await ask('')
    expect(total).toMatchObject({ count: 100, failures: 10, successRate: 0.9, averageMs: 50.5, maxMs: 100 })
    expect(total.p50Ms! / 50.5).toBeCloseTo(1, 1)
    expect(total.p95Ms! / 95.05).toBeCloseTo(1, 1)
    expect(operations.map(({ operation, count }) => [operation, count])).toEqual([
      ['charge', 75],
      ['refund', 25],
    ])
    expect(errors).toEqual([
      { type: 'NoDyno', count: 5 },
      { type: 'Timeout', count: 5 },
    ])
    expect(slowest.map(({ durationMs }) => durationMs)).toEqual([100, 99, 98, 97, 96, 95, 94, 93, 92, 91])
    expect(slowest[0]).toMatchObject({
      correlationId: 'order-99',
      traceId: rows[99]!.traceId,
      jaegerUrl: `http://127.0.0.1:16686/trace/${rows[99]!.traceId}`,
    })
    expect(steps.reduce((sum, { count }) => sum + count, 0)).toBe(100)
    expect(steps.map(({ start }) => start)).toEqual(steps.map(({ start }) => start).sort())
    expect(distribution.reduce((sum, { count }) => sum + count, 0)).toBe(100)
    expect(source).toEqual(from === 'rows' ? { fromSums: 0, fromRows: 100 } : { fromSums: 100, fromRows: 0 })
    expect(before.figures.count).toBe(0)
    expect(change.p95Ms).toBeNull()
    await sumUp()
  }
})

test('of equally slow operations the latest are listed, from the rows and from the sums', async () => {
  const rows = [200, 100, 15, 12].map((ago) =>
    aRow({ startedAtUs: at(ago), durationUs: 5_000n, correlationId: `ago-${ago}` }),
  )
  await writeRows(recorder.databaseUrl, rows)
  const listed = async () => (await ask('slowest=2')).slowest.map(({ correlationId }) => correlationId)
  expect(await listed()).toEqual(['ago-12', 'ago-15'])
  await sumUp()
  expect(await listed()).toEqual(['ago-12', 'ago-15'])
})

test('a filter names a service, an operation, a version, a user', async () => {
  await writeRows(recorder.databaseUrl, [
    aRow(),
    aRow({ operation: 'refund', userId: 'user-2', durationUs: 9_000n }),
    aRow({ service: 'shop', serviceVersion: '2' }),
  ])
  for (const _ of ['rows', 'sums']) {
    const count = async (query: string) => (await ask(query)).total.count
    expect(await count('service=billing')).toBe(2)
    expect(await count('operation=Billing.charge')).toBe(2)
    expect(await count('operation=refund')).toBe(1)
    expect(await count('operation_service=Billing&operation=refund')).toBe(1)
    expect(await count('operation=Other.refund')).toBe(0)
    expect(await count('version=2')).toBe(1)
    expect(await count('user=user-2&service=billing')).toBe(1)
    expect((await ask('user=user-2')).slowest.map(({ durationMs }) => durationMs)).toEqual([9])
    expect((await ask('operation=Billing.refund')).slowest.map(({ durationMs }) => durationMs)).toEqual([9])
    await sumUp()
  }
})

test('it is held against the window before', async () => {
  const slow = Array.from({ length: 20 }, (_, n) => aRow({ startedAtUs: at(5 + n), durationUs: 20_000n }))
  const fast = Array.from({ length: 40 }, (_, n) => aRow({ startedAtUs: at(65 + n), durationUs: 10_000n }))
  await writeRows(recorder.databaseUrl, [...slow, ...fast])
  const { before, change, total } = await ask('hours=1')
  expect([total.count, before.figures.count]).toEqual([20, 40])
  expect(change.averageMs).toBeCloseTo(1)
  expect(change.count).toBeCloseTo(-0.5, 1)
  expect(change.successRate).toBe(0)
})

test('versions are shown with when they came', async () => {
  await writeRows(recorder.databaseUrl, [
    aRow({ startedAtUs: at(50 * 60) }),
    aRow({ startedAtUs: at(30) }),
    aRow({ startedAtUs: at(20), serviceVersion: '1.1.0' }),
  ])
  await sumUp()
  const { versions } = await ask('hours=2')
  expect(versions.map(({ version, deployed, count }) => [version, deployed, count])).toEqual([
    ['1.0.0', false, 1],
    ['1.1.0', true, 1],
  ])
  expect(Math.abs(Date.parse(versions[1]!.firstSeen) - (now - 20 * minuteMs))).toBeLessThan(minuteMs)
  expect(Math.abs(Date.parse(versions[0]!.firstSeen) - (now - 3_000 * minuteMs))).toBeLessThan(minuteMs)
})

test('without an operation there are no figures, and none of them is a zero that nobody measured', async () => {
  const { total, steps, slowest } = await ask('')
  expect(total).toEqual({
    count: 0,
    failures: 0,
    successRate: null,
    perSecond: 0,
    averageMs: null,
    p50Ms: null,
    p95Ms: null,
    p99Ms: null,
    maxMs: null,
  })
  expect([steps, slowest]).toEqual([[], []])
})

test('more operations than asked for: the answer says so', async () => {
  await writeRows(recorder.databaseUrl, [aRow(), aRow(), aRow({ operation: 'refund' })])
  const answer = await api.json<PerformanceAnswer>('/metrics/performance?top=1')
  expect(answer.operations).toHaveLength(1)
  expect(answer).toMatchObject({ truncated: true, cuts: [expect.stringContaining('operations')] })
})

test.each([
  ['hours=0'],
  ['hours=abc'],
  ['hours=24&from=2026-01-01T00:00:00Z&until=2026-01-01T12:00:00Z'],
  ['from=2026-01-01'],
  ['from=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z'],
  ['until=1960-01-01T00:00:00Z'],
  ['hours=9601'],
  ['hours=2000&user=u'],
  ['step=5s'],
  ['hours=9000&step=1m'],
  ['unknown=1'],
  ['service=a&service=b'],
  ['service='],
  ['service=a%00b'],
])('%s is refused with what is wrong', async (query) => {
  const answer = await api.ask(`/metrics/performance?${query}`)
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
  expect((await answer.json()) as Problem).toMatchObject({
    type: 'about:blank',
    title: 'Bad Request',
    status: 400,
    code: 'TL_PARAMETER',
    detail: expect.any(String),
  })
})
