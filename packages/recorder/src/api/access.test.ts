import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createToken } from '@throughline/postgres/tokens'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { contractOf } from '../../test/api-contract.js'
import { aRow, writeRows } from '../../test/rows.js'
import { useRecorder } from '../../test/running-recorder.js'
import { ApiError, createClient, type HealthAnswer } from '../client.js'

const recorder = useRecorder()
let pool: pg.Pool
beforeAll(() => {
  pool = new pg.Pool({ connectionString: recorder.databaseUrl })
})
afterAll(() => pool.end())

const bearer = (secret: string) => ({ headers: { authorization: `Bearer ${secret}` } })
const guarded = async () => {
  const { url } = await recorder.another({ auth: 'required', tokenRefreshMs: 100 })
  const api = await contractOf(url)
  const made = async (role: 'ingest' | 'read' | 'admin') =>
    (await createToken(pool, { name: role, role })).secret
  const tokens = { ingest: await made('ingest'), read: await made('read'), admin: await made('admin') }
  await expect.poll(async () => (await fetch(`${url}/v1/session`, bearer(tokens.admin))).status).toBe(200)
  return { url, api, tokens }
}

test('every route asks for a token, and for the role that its description names', async () => {
  const { url, api, tokens } = await guarded()
  const filled: Record<string, string> = {
    trace_id: 'a'.repeat(32),
    span_id: 'b'.repeat(16),
    id: 'c'.repeat(64),
  }
  const needed: Record<string, string> = {
    '/v1/confirm': '?instance=018f6a2e-7c1b-7d3e-9a51-0123456789ab',
    '/v1/synthetic': `?id=${'a'.repeat(32)}`,
  }
  for (const [path, methods] of Object.entries(api.document.paths))
    for (const [method, { description }] of Object.entries(methods)) {
      const concrete = path.replace(/\{(\w+)\}/g, (_, name: string) => filled[name]!) + (needed[path] ?? '')
      const status = async (secret?: string) => {
        const abort = new AbortController()
        const answer = await fetch(`${url}${concrete}`, {
          method: method.toUpperCase(),
          signal: abort.signal,
          ...(secret === undefined ? {} : bearer(secret)),
        })
        abort.abort()
        return answer.status
      }
      const name = `${method} ${path}`
      expect(await status(), name).toBe(401)
      const ingest = /Role: ingest or read or admin\./.test(description)
      expect(await status(tokens.ingest), name).toBe(ingest ? 200 : 403)
      const admin = /Role: admin\./.test(description)
      if (admin) expect(await status(tokens.read), name).toBe(403)
      else expect([200, 404], name).toContain(await status(tokens.read))
      expect([200, 404], name).toContain(await status(tokens.admin))
    }
})

test('the document of the API is public, and every path in it says what it may answer', async () => {
  const { api } = await guarded()
  expect(api.document).toMatchObject({ openapi: '3.1.0', info: { title: 'Throughline recorder' } })
  for (const methods of Object.values(api.document.paths))
    for (const { responses } of Object.values(methods))
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(['200', '400', '401', '403', '503']))
})

test('who guesses tokens is told to wait, while a token that worked goes on working', async () => {
  const { url, api, tokens } = await guarded()
  const guess = (n: number) => `tl_read_${String(n).padStart(43, 'w')}`
  const stale: number[] = []
  for (let n = 0; n < 30; n += 1) stale.push((await fetch(`${url}/v1/session`, bearer(guess(0)))).status)
  expect(new Set(stale), 'one old token, again and again, is no guess').toEqual(new Set([401]))
  const statuses: number[] = []
  for (let n = 0; n < 25; n += 1) statuses.push((await fetch(`${url}/v1/session`, bearer(guess(n)))).status)
  expect(statuses.slice(0, 10)).toEqual(Array(10).fill(401))
  expect(statuses.slice(21)).toEqual(Array(4).fill(429))
  const refused = await api.ask('/v1/session', bearer(guess(99)))
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  expect((await api.ask('/v1/session', bearer(tokens.admin))).status).toBe(200)
  // Right, but never seen before: from here it could be a guess.
  expect((await api.ask('/v1/session', bearer(tokens.read))).status).toBe(429)
  const lines = recorder.lines.map(({ message }) => message).join('\n')
  expect(lines).toContain('127.0.0.1')
  expect(lines).not.toContain('wwww')
})

test('what a recorder did and holds, and what is committed, are asked for like the rest', async () => {
  const { url, api, tokens } = await guarded()
  const instance = '018f6a2e-7c1b-7d3e-9a51-0123456789ac'
  await writeRows(recorder.databaseUrl, [aRow({ instance, seq: 1n }), aRow({ instance, seq: 3n })])
  const ranges = [
    [1, 1],
    [3, 3],
  ]
  expect(await api.json(`/v1/confirm?instance=${instance}`, bearer(tokens.ingest))).toEqual({
    instance,
    ranges,
  })
  expect(await createClient({ url, token: tokens.read }).confirm({ instance, after: '1' })).toEqual({
    instance,
    ranges: ranges.slice(1),
  })
  expect((await api.ask('/v1/confirm?instance=7', bearer(tokens.ingest))).status).toBe(400)
  expect(await api.json('/v1/status', bearer(tokens.read))).toMatchObject({
    status: 'ok',
    database: 'ok',
    maintenance: null,
    counters: { 'throughline.recorder.confirms': 2 },
    refusals: { TL_PARAMETER: 1 },
  })
  expect((await api.ask('/v1/status', bearer(tokens.ingest))).status).toBe(403)
})

test('a session says what its token may', async () => {
  const { api, tokens } = await guarded()
  expect(await api.json('/v1/session', bearer(tokens.read))).toMatchObject({ role: 'read', auth: 'required' })
  expect(await api.json('/v1/session', bearer(tokens.admin))).toMatchObject({ role: 'admin' })
})

test('what is not there is a problem document, another method is told which there are', async () => {
  const missing = await fetch(`${recorder.url}/metrics/nothing?x=<script>`)
  expect([missing.status, missing.headers.get('content-type')]).toEqual([
    404,
    expect.stringMatching(/problem\+json/),
  ])
  expect(await missing.json()).toMatchObject({ code: 'TL_NOT_FOUND' })
  const method = await fetch(`${recorder.url}/metrics/performance`, { method: 'DELETE' })
  expect([method.status, method.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  expect((await fetch(`${recorder.url}/metrics/performance`, { method: 'HEAD' })).status).toBe(200)
})

test('no other origin may read it from a browser', async () => {
  const answer = await fetch(`${recorder.url}/v1/session`, { headers: { origin: 'https://elsewhere.test' } })
  expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
})

test('the client asks, and rejects with the code and the words of a refusal', async () => {
  const { url, tokens } = await guarded()
  await writeRows(recorder.databaseUrl, [aRow({ correlationId: 'from a client' })])
  const client = createClient({ url: `${url}/`, token: tokens.read })
  const { operations, story } = await client.operations({ correlation_id: 'from a client' })
  expect([operations.length, story?.count]).toEqual([1, 1])
  const { traceId, spanId, startedAt } = operations[0]!
  expect(await client.operation(traceId, spanId, startedAt)).toMatchObject({ correlationId: 'from a client' })
  expect((await client.performance({ hours: 1, top: 5 })).total.count).toBeGreaterThan(0)
  await expect(client.updateBusiness()).rejects.toMatchObject({ status: 403, code: 'TL_TOKEN_ROLE' })
  await expect(client.performance({ hours: 0 })).rejects.toThrow(ApiError)
  await expect(createClient({ url: 'http://127.0.0.1:1' }).session()).rejects.toMatchObject({
    code: 'NETWORK',
  })
  const given = new AbortController()
  given.abort(new Error('enough'))
  await expect(client.session({ signal: given.signal })).rejects.toThrow('enough')
})

test('a dead letter is listed, shown, and tried again by an admin', async () => {
  const { url, tokens } = await guarded()
  const client = createClient({ url, token: tokens.admin })
  const old = aRow({ startedAtUs: BigInt(Date.now() - 200 * 86_400_000) * 1000n })
  await writeRows(recorder.databaseUrl, [old])
  const { total, letters } = await client.deadLetters()
  expect([total, letters[0]?.reason]).toEqual([1, expect.stringContaining('retention')])
  const { id } = letters[0]!
  expect((await client.deadLetter(id)).body).toContain(old.traceId)
  expect(await client.retryDeadLetter(id)).toMatchObject({ stored: 0, kept: [{ id }] })
  expect((await client.deadLetters({ limit: 5 })).letters[0]?.retries).toBe(1)
  expect(await client.retryDeadLetters()).toMatchObject({ stored: 0, kept: [{ id }] })
  await expect(client.deadLetter('0'.repeat(64))).rejects.toMatchObject({ code: 'TL_NOT_FOUND' })
  const health = await client.health()
  expect(health.deadLetters).toMatchObject({ total: 1, reasons: [{ count: 1 }] })
})

test('health tells each hop, and which instance has records that are not here', async () => {
  const api = await contractOf(recorder.url)
  const instance = '018f6a2e-7c1b-7d3e-9a51-0123456789ab'
  await writeRows(recorder.databaseUrl, [
    aRow({ instance, seq: 1n }),
    aRow({ instance, seq: 2n }),
    aRow({ instance, seq: 5n }),
  ])
  await recorder.client.query(
    `INSERT INTO throughline.instances (instance, service, started_at, stopped_at, last_seq) VALUES ($1, 'billing', now(), now(), 6)`,
    [instance],
  )
  const health = await api.json<HealthAnswer>('/metrics/health')
  expect(health.instances).toMatchObject([
    { instance, service: 'billing', delivered: 3, missing: 3, redelivered: 0 },
  ])
  const states = Object.fromEntries(health.hops.map(({ name, state }) => [name, state]))
  expect(states).toEqual({
    services: 'warning',
    collector: 'unknown',
    recorder: 'ok',
    postgres: 'ok',
    rollups: 'ok',
    jaeger: 'unknown',
    prometheus: 'unknown',
  })
  expect(health.state).toBe('warning')
  expect(health.counters['throughline.recorder.rows']).toBeGreaterThanOrEqual(0)
})

test('what waits for the stores beside, and was given up, is what the Collector says', async () => {
  const page = `otelcol_exporter_queue_size{exporter="otlp_http/records"} 2048
otelcol_exporter_send_failed_spans__total{exporter="otlp_http/records"} 0
otelcol_exporter_queue_size{exporter="otlp_grpc/jaeger"} 512
otelcol_exporter_sent_spans__total{exporter="otlp_grpc/jaeger"} 1
otelcol_exporter_queue_size{exporter="otlp_http/cloudwatch"} 1
otelcol_exporter_send_failed_metric_points__total{exporter="otlp_http/cloudwatch"} 3
`
  const places = createServer((_request, response) => response.end(page)).listen(0, '127.0.0.1')
  await once(places, 'listening')
  const place = `http://127.0.0.1:${(places.address() as AddressInfo).port}`
  const { url } = await recorder.another({ collectorUrl: `${place}/metrics`, jaegerUrl: place })
  const { hops } = await (await contractOf(url)).json<HealthAnswer>('/metrics/health')
  places.close()
  const hop = (wanted: string) => hops.find(({ name }) => name === wanted)
  expect(hop('collector')).toMatchObject({
    state: 'ok',
    backlog: { value: 2_048, unit: 'bytes' },
    dropped: 0,
  })
  expect(hop('jaeger')).toMatchObject({
    state: 'ok',
    detail: 'it answers; the Collector has handed it 1 span',
    backlog: { value: 512, unit: 'bytes' },
    dropped: 0,
  })
  expect(hop('prometheus')).toMatchObject({ state: 'unknown', backlog: null, dropped: null })
  expect(hop('cloudwatch')).toMatchObject({
    state: 'warning',
    backlog: { value: 1, unit: 'data points' },
    dropped: 3,
  })
})

test('a place that does not answer is down', async () => {
  const { url } = await recorder.another({
    jaegerUrl: 'http://127.0.0.1:1',
    collectorUrl: 'http://127.0.0.1:1/metrics',
  })
  const health = await (await contractOf(url)).json<HealthAnswer>('/metrics/health')
  expect(health.hops.filter(({ state }) => state === 'down').map(({ name }) => name)).toEqual([
    'collector',
    'jaeger',
  ])
})
