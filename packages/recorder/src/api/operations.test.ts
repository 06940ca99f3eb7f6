import { request } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { beforeAll, expect, test } from 'vitest'
import { contractOf } from '../../test/api-contract.js'
import { aRow, writeRows } from '../../test/rows.js'
import { useRecorder } from '../../test/running-recorder.js'
import type { Operation, OperationDetail, OperationsAnswer, UsersAnswer } from '../client.js'

const recorder = useRecorder()
let api: Awaited<ReturnType<typeof contractOf>>
let url: string
beforeAll(async () => {
  url = (await recorder.another({ jaegerUrl: 'http://jaeger.test' })).url
  api = await contractOf(url)
})

const now = Date.now()
const at = (secondsAgo: number, us = 0n): bigint => BigInt(now - secondsAgo * 1000) * 1000n + us
const write = (...rows: ReturnType<typeof aRow>[]) => writeRows(recorder.databaseUrl, rows)
let asked = 0
// Each question of its own: an answer of the last second would be an old one.
const ask = (query: string) => {
  asked += 1
  return api.json<OperationsAnswer>(`/v1/operations?hours=${20 + asked / 1000}&${query}`)
}
const all = (id: string) =>
  api.json<OperationsAnswer>(`/v1/operations?correlation_id=${encodeURIComponent(id)}`)
const names = (answer: OperationsAnswer) => answer.operations.map(({ operation }) => operation)

test('one correlation ID is told as a whole, over services, with values, metadata and errors', async () => {
  const traceId = 'ab'.repeat(16)
  await write(
    aRow({
      correlationId: 'story',
      startedAtUs: at(90_000),
      service: 'shop',
      operation: 'order',
      traceId,
      durationUs: 2_000_000n,
    }),
    aRow({
      correlationId: 'story',
      startedAtUs: at(89_999),
      operation: 'charge',
      parentSpanId: 'f'.repeat(16),
      metadata: '{"site": "cologne", "tries": 2}',
      business:
        '[{"name": "business.value", "labels": {"currency": "USD", "site": "x"}, "value": "0.10"}, {"name": "business.value", "labels": {"currency": "USD"}, "value": "129.80"}, {"name": "business.level", "labels": {}, "value": "7", "kind": "gauge"}]',
    }),
    aRow({
      correlationId: 'story',
      startedAtUs: at(89_998),
      operation: 'refund',
      success: false,
      errorType: 'Declined',
      errorMessage: 'no <b>money</b>',
      userId: 'user-2',
    }),
    aRow({ correlationId: 'other' }),
  )
  const answer = await all('story')
  expect(names(answer)).toEqual(['order', 'charge', 'refund'])
  expect(answer.story).toMatchObject({
    correlationId: 'story',
    count: 3,
    failures: 1,
    services: ['shop', 'billing'],
    users: ['user-1', 'user-2'],
    durationMs: 2_001.5,
    business: [{ name: 'business.value', currency: 'USD', total: '129.90', entries: 2 }],
  })
  expect(answer.story!.traces[0]).toEqual({ traceId, jaegerUrl: `http://jaeger.test/trace/${traceId}` })
  expect(answer.operations[1]).toMatchObject({
    metadata: { site: 'cologne', tries: 2 },
    parentSpanId: 'f'.repeat(16),
    business: [
      { name: 'business.value', labels: { currency: 'USD', site: 'x' }, value: '0.10', kind: 'sum' },
      { value: '129.80' },
      { kind: 'gauge' },
    ],
  })
  expect(answer.operations[2]).toMatchObject({ errorType: 'Declined', errorMessage: 'no <b>money</b>' })
  expect(answer).toMatchObject({ truncated: false, cuts: [], window: { from: null, until: null } })
  expect(await all('nobody')).toMatchObject({ operations: [], story: null, next: null })
})

test('a search is by operation, outcome, error, user, metadata and time', async () => {
  await write(
    aRow({ operation: 'a', metadata: '{"site": "cologne", "tries": 2, "a.b": null}' }),
    aRow({
      operation: 'b',
      success: false,
      errorType: 'Declined',
      metadata: '{"site": "dearborn", "tries": "2"}',
    }),
    aRow({ operation: 'c', userId: 'O\'Hara "x"', serviceVersion: '2', startedAtUs: at(7_200) }),
    aRow({ operation: 'd', startedAtUs: at(26 * 3600) }),
  )
  const found = async (query: string) => names(await ask(query)).sort()
  expect(await found('')).toEqual(['a', 'b', 'c'])
  expect(await found('operation=Billing.a')).toEqual(['a'])
  expect(await found('outcome=failure')).toEqual(['b'])
  expect(await found('outcome=success')).toEqual(['a', 'c'])
  expect(await found('error_type=Declined')).toEqual(['b'])
  expect(await found(`user=${encodeURIComponent('O\'Hara "x"')}`)).toEqual(['c'])
  expect(await found('version=2')).toEqual(['c'])
  expect(await found('metadata=site')).toEqual(['a', 'b'])
  expect(await found('metadata=site:cologne')).toEqual(['a'])
  expect(await found('metadata=tries:2')).toEqual(['a', 'b'])
  expect(await found('metadata=a.b:null')).toEqual(['a'])
  expect(await found('metadata=tries:1e999999999')).toEqual([])
  const old = await api.json<OperationsAnswer>(
    `/v1/operations?from=${new Date(now - 27 * 3_600_000).toISOString()}&until=${new Date(now - 25 * 3_600_000).toISOString()}`,
  )
  expect(names(old)).toEqual(['d'])
})

test.each(['desc', 'asc'])(
  'pages of a search (%s) meet every row once, also of one moment and as rows come',
  async (order) => {
    const rows = Array.from({ length: 25 }, (_, n) =>
      aRow({
        startedAtUs: at(100 - Math.floor(n / 5)),
        spanId: `${(n % 5 === 0 ? 'f' : '0').repeat(8)}${String(n).padStart(8, '0')}`,
      }),
    )
    await write(...rows)
    const seen: Operation[] = []
    let query = `order=${order}&limit=4`
    for (let pages = 0; pages < 20; pages += 1) {
      const answer = await ask(query)
      seen.push(...answer.operations)
      expect(answer.truncated).toBe(answer.next !== null)
      if (answer.next === null) break
      query = `order=${order}&limit=4&cursor=${answer.next}`
      // Into what was read already.
      await write(aRow({ startedAtUs: order === 'desc' ? at(1) : at(4_000) }))
    }
    expect(seen.map(({ spanId }) => spanId).sort()).toEqual(rows.map(({ spanId }) => spanId).sort())
    const times = seen.map(({ startedAt }) => startedAt)
    expect(times).toEqual(order === 'asc' ? [...times].sort() : [...times].sort().reverse())
  },
)

test('ten thousand operations of one ID come in pages and one story', async () => {
  await recorder.client.query(
    `INSERT INTO throughline.operations (started_at, trace_id, span_id, duration_us, bucket, success, correlation_id, service, operation_service, operation)
     SELECT now() - n * interval '1 ms', md5('t')::uuid, n, 5, 0, true, 'many', 's', 'S', 'o' FROM generate_series(1, 10000) AS n`,
  )
  const first = await all('many')
  expect([first.operations.length, first.story?.count, first.truncated]).toEqual([100, 10_000, true])
})

test('a page of large rows ends early, says so, and goes on', async () => {
  const metadata = JSON.stringify({ text: 'x'.repeat(60_000) })
  await write(
    ...Array.from({ length: 150 }, (_, n) =>
      aRow({ correlationId: 'large', startedAtUs: at(500 - n), metadata }),
    ),
  )
  const first = await api.json<OperationsAnswer>('/v1/operations?correlation_id=large&limit=1000')
  expect(first.operations).toHaveLength(100)
  expect(first.cuts).toEqual([expect.stringContaining('4 MiB')])
  const rest = await api.json<OperationsAnswer>(
    `/v1/operations?correlation_id=large&limit=1000&cursor=${first.next}`,
  )
  expect([rest.operations.length, rest.next]).toEqual([50, null])
})

test('one operation is shown with all that its row has', async () => {
  const row = aRow({
    startedAtUs: at(50, 123n),
    success: false,
    errorStack: 'Error: no\n  at charge',
    instance: '018f6a2e-7c1b-7d3e-9a51-0123456789ab',
    seq: 7n,
  })
  await write(row)
  const path = `/v1/operations/${row.traceId.toUpperCase()}/${row.spanId}`
  const found = await api.json<OperationDetail>(path)
  expect(found).toMatchObject({
    errorStack: 'Error: no\n  at charge',
    seq: '7',
    instance: row.instance,
    traceId: row.traceId,
  })
  expect(found.startedAt).toMatch(/123Z$/)
  expect(await api.json(`${path}?at=${found.startedAt}`)).toEqual(found)
  expect((await api.ask(`${path}?at=2026-01-01T00:00:00Z`)).status).toBe(404)
  expect((await api.ask(`/v1/operations/${'0'.repeat(32)}/${'0'.repeat(16)}`)).status).toBe(404)
  expect((await api.ask(`/v1/operations/zz/${row.spanId}`)).status).toBe(400)
})

test('an export is the search as a file, in NDJSON and CSV', async () => {
  await write(
    ...Array.from({ length: 600 }, (_, n) => aRow({ startedAtUs: at(1_000 - n), operation: `o${n}` })),
    aRow({
      operation: 'odd',
      userId: '=HYPERLINK("x")',
      errorMessage: 'a "b",\nc',
      metadata: '{"k": "v,w"}',
      startedAtUs: at(1),
    }),
  )
  const text = await (await api.ask('/v1/operations/export?order=asc')).text()
  const rows = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as OperationDetail)
  expect(rows).toHaveLength(601)
  expect(rows[5]).toMatchObject({ operation: 'o5', errorStack: null })

  const csv = await api.ask('/v1/operations/export?format=csv&order=asc&operation=odd')
  const [head, ...lines] = (await csv.text()).split('\r\n')
  expect(head).toMatch(/^startedAt,recordedAt,correlationId,/)
  expect(lines.join('\r\n')).toContain(`"'=HYPERLINK(""x"")"`)
  expect(lines.join('\r\n')).toContain('"a ""b"",\nc"')
  expect(lines.join('\r\n')).toContain('"{""k"":""v,w""}"')
  expect(csv.headers.get('throughline-truncated')).toBe('false')

  const cut = await api.ask('/v1/operations/export?order=asc&limit=300')
  expect((await cut.text()).trimEnd().split('\n')).toHaveLength(300)
  expect(cut.headers.get('throughline-truncated')).toBe('true')
  const rest = await api.ask(`/v1/operations/export?order=asc&cursor=${cut.headers.get('throughline-next')}`)
  expect((await rest.text()).trimEnd().split('\n')).toHaveLength(301)
  expect(
    (await api.ask('/v1/operations/export?operation=nothing')).headers.get('throughline-truncated'),
  ).toBe('false')
})

test.each([
  ['gzip, deflate', 'gzip'],
  ['br, gzip;q=0.5', 'gzip'],
  ['gzip;q=0', undefined],
  ['identity', undefined],
])('an export to who accepts %s is encoded as %s', async (accepted, encoding) => {
  await write(aRow({ operation: 'zipped' }))
  const [body, got] = await new Promise<[Buffer, string | undefined]>((resolve, reject) => {
    request(`${url}/v1/operations/export`, { headers: { 'accept-encoding': accepted } }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () => resolve([Buffer.concat(chunks), answer.headers['content-encoding']]))
    })
      .on('error', reject)
      .end()
  })
  expect(got).toBe(encoding)
  expect((encoding === 'gzip' ? gunzipSync(body) : body).toString()).toContain('"operation":"zipped"')
})

test('who used an operation is counted from its rows', async () => {
  await write(
    aRow(),
    aRow(),
    aRow({ userId: 'user-2', success: false }),
    aRow({ userId: null }),
    aRow({ operation: 'x', userId: 'user-3' }),
  )
  expect(await api.json<UsersAnswer>('/metrics/users?operation=charge&limit=1')).toMatchObject({
    users: 2,
    count: 3,
    failures: 1,
    top: [{ user: 'user-1', count: 2, failures: 0 }],
    truncated: true,
  })
})

test.each([
  'limit=0',
  'limit=1001',
  'cursor=!!',
  'cursor=YWJj',
  'trace_id=zz',
  'outcome=maybe',
  'order=up',
  'correlation_id=',
])('%s is refused', async (query) => {
  expect(await api.json(`/v1/operations?${query}`)).toMatchObject({ status: 400, code: 'TL_PARAMETER' })
})
