import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodeMetrics } from '@throughline/otlp'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { contractOf } from '../../test/api-contract.js'
import { aRow, writeRows } from '../../test/rows.js'
import { useRecorder } from '../../test/running-recorder.js'
import type {
  BusinessAnswer,
  FrozenListAnswer,
  SessionAnswer,
  TrendAnswer,
  UpdateBusinessAnswer,
  ValueAnswer,
} from '../client.js'
import { createRecorder } from '../index.js'
import { freeze } from '../value/freeze.js'
import { loadValueModel } from '../value/parse.js'

const recorder = useRecorder()
const model = fileURLToPath(new URL('../../../../examples/dyno-allocation/value.yaml', import.meta.url))
let api: Awaited<ReturnType<typeof contractOf>>
const received: Buffer[] = []
const collector = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    received.push(Buffer.concat(chunks))
    response.end()
  })
})

beforeAll(async () => {
  collector.listen(0, '127.0.0.1')
  await once(collector, 'listening')
  const otlpUrl = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
  const { url } = await recorder.another({ valueModel: model, otlpUrl })
  api = await contractOf(url)
})
afterAll(() => void collector.close())

const month = new Date().toISOString().slice(0, 7)
const allocations = (count: number) =>
  Array.from({ length: count }, (_, n) =>
    aRow({
      operationService: 'AllocationService',
      operation: 'autoAllocate',
      userId: `user-${n % 5}`,
      business: JSON.stringify([
        {
          name: 'business.allocation.value',
          labels: { currency: 'USD', site: n % 2 === 0 ? 'a' : 'b' },
          value: '0.10',
        },
      ]),
    }),
  )

test('the figures of the reference stand under its names, to the cent, with the business values beside them', async () => {
  await writeRows(recorder.databaseUrl, allocations(30))
  const answer = await api.json<BusinessAnswer>(`/metrics/business?period=${month}`)
  expect(answer.figures).toMatchObject({
    total_successful_allocations: '30',
    monthly_cost_savings: '100.00',
  })
  expect(answer.values).toEqual([
    {
      name: 'business.allocation.value',
      kind: 'sum',
      currency: 'USD',
      total: '3.00',
      entries: 30,
      labels: [
        { labels: { currency: 'USD', site: 'a' }, total: '1.50', entries: 15 },
        { labels: { currency: 'USD', site: 'b' }, total: '1.50', entries: 15 },
      ],
    },
  ])
})

test('each figure of the value report says its formula, inputs and rows, and its SQL gives the same number', async () => {
  await writeRows(recorder.databaseUrl, allocations(30))
  const { report, frozen, conflicts } = await api.json<ValueAnswer>('/metrics/value')
  expect(report.period).toMatchObject({ name: month, complete: false })
  expect([frozen, conflicts.length > 0]).toEqual([null, true])
  expect(report.file).toBe('value.yaml')
  expect(JSON.stringify([report, conflicts]), 'where the model lies').not.toContain(dirname(model))
  const savings = report.figures.find(({ name }) => name === 'savings')!
  expect(savings).toMatchObject({ value: '100.00', unit: 'USD', rows: 30 })
  expect(savings.inputs.map(({ source }) => source)).toContain('assumption')
  const { rows } = await recorder.client.query({ text: savings.sql, rowMode: 'array' })
  expect(rows[0]?.[0]).toBe('100.00')
})

test('a frozen report stays, is listed, and the answer says what differs today and why', async () => {
  const pool = new pg.Pool({ connectionString: recorder.databaseUrl })
  const last = new Date(Date.UTC(new Date().getUTCFullYear(), new Date().getUTCMonth() - 1, 3, 12))
  const period = last.toISOString().slice(0, 7)
  try {
    await pool.query('SELECT throughline.create_partition($1)', [last.toISOString().slice(0, 10)])
    await freeze(pool, await loadValueModel(model), { period })
    const late = allocations(3).map((row, n) => ({ ...row, startedAtUs: BigInt(last.getTime() + n) * 1000n }))
    await writeRows(recorder.databaseUrl, late)
  } finally {
    await pool.end()
  }
  const { frozen, differences } = await api.json<ValueAnswer>(`/metrics/value?period=${period}`)
  expect(frozen).toMatchObject({ revision: 1, period, report: { figures: expect.any(Array) } })
  expect(differences.find(({ figure }) => figure === 'successes')).toMatchObject({
    frozen: '0',
    now: '3',
    reasons: [{ kind: 'late_rows', rows: 3 }],
  })
  const { reports } = await api.json<FrozenListAnswer>('/metrics/value/frozen')
  expect(reports).toMatchObject([{ period, revision: 1 }])
  const { months } = await api.json<TrendAnswer>('/metrics/value/trend?months=3')
  expect(months.map((one) => [one.period === period, one.figures.successes])).toContainEqual([true, '3'])
})

test('the gauges can be made and published at once', async () => {
  await writeRows(recorder.databaseUrl, allocations(6))
  const before = received.length
  const answer = await api.json<UpdateBusinessAnswer>('/metrics/update-business', { method: 'POST' })
  expect(answer.figures.savings).toBe('20.00')
  expect(answer.gauges).toBeGreaterThan(10)
  expect(received.length).toBeGreaterThan(before)
  const gauges = decodeMetrics(received.at(-1)!, 'protobuf').flatMap(({ scopes }) =>
    scopes.flatMap((one) => one.metrics),
  )
  const savings = gauges.find(({ name }) => name === 'business.monthly_cost_savings')
  expect(
    JSON.stringify(savings, (_, value) => (typeof value === 'bigint' ? String(value) : value)),
  ).toContain('"value":20')
})

test('a period that is none, or has not begun, is refused', async () => {
  for (const path of [
    '/metrics/value?period=never',
    '/metrics/value?period=2999',
    '/metrics/business?period=2026-13',
  ])
    expect(await api.json(path)).toMatchObject({ status: 400, code: 'TL_VALUE_PERIOD' })
})

test('without a value model there are business values and no figures, and the answer says how to give one', async () => {
  const plain = await contractOf(recorder.url)
  await writeRows(recorder.databaseUrl, allocations(2))
  const business = await plain.json<BusinessAnswer>('/metrics/business')
  expect([business.figures, business.values[0]?.total]).toEqual([{}, '0.20'])
  for (const path of ['/metrics/value', '/metrics/value/frozen', '/metrics/value/trend'])
    expect(await plain.json(path)).toMatchObject({ status: 404, code: 'TL_VALUE_NO_MODEL' })
  expect((await plain.ask('/metrics/update-business', { method: 'POST' })).status).toBe(404)
  expect((await plain.json<SessionAnswer>('/v1/session')).valueModel).toBeNull()
  expect((await api.json<SessionAnswer>('/v1/session')).valueModel).toBe('dyno-allocation')
})

test('a model with a mistake keeps the recorder from starting, and names line and column', async () => {
  const wrong = fileURLToPath(new URL('./value.test.ts', import.meta.url))
  const own = createRecorder({ databaseUrl: recorder.databaseUrl, port: 0, auth: 'off', valueModel: wrong })
  await expect(own.listen()).rejects.toMatchObject({
    code: 'TL_VALUE_MODEL',
    message: expect.stringMatching(/value\.test\.ts:\d+:\d+: /),
  })
  await own.close()
})
