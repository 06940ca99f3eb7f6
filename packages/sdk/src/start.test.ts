import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { trace } from '@opentelemetry/api'
import { business, correlation, track } from '@throughline/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Scratch, scratch } from '../testing/child.js'
import { readOpenMetrics } from '../testing/openmetrics.js'
import { type Receiver, startReceiver } from '../testing/receiver.js'
import { until } from '../testing/until.js'
import type { StartOptions } from './options.js'
import { start, type Throughline } from './start.js'

let room: Scratch
let spoolDir: string
let receiver: Receiver
let lines: string[]
let running: Throughline | undefined
beforeEach(async () => {
  room = scratch()
  spoolDir = join(room.dir, 'spool')
  lines = []
  receiver = await startReceiver()
})
afterEach(async () => {
  await running?.shutdown(2_000)
  running = undefined
  await receiver.close()
  room.remove()
})

async function begin(options: StartOptions = {}): Promise<Throughline> {
  running = await start({
    serviceName: 'shop',
    endpoint: receiver.url,
    spoolDir,
    metricsIntervalMs: 60_000,
    log: (line) => lines.push(line),
    ...options,
  })
  return running
}

const allocated = business.counter('vehicle.allocated', { labels: { site: ['cologne'] } })
const charge = track('Billing.charge', async (amount: number) => {
  if (amount < 0) throw new RangeError('negative')
  allocated.add(1, { site: 'cologne' })
  return amount
})

test('a record is in the spool file before the awaited call goes on', async () => {
  const { instance } = await begin()
  await correlation.run('order-4711', () => charge(1))
  const segment = readFileSync(join(spoolDir, instance, '00000001.seg'))
  expect(segment.includes('order-4711')).toBe(true)
})

test('flush delivers the records, the metrics and other spans, each once', async () => {
  const { flush, instance } = await begin()
  await correlation.run('order-1', async () => {
    await trace.getTracer('application').startActiveSpan('own span', async (span) => {
      await charge(1)
      await charge(-1).catch(() => {})
      span.end()
    })
  })
  expect(await flush()).toBe(true)
  const records = receiver.records()
  const [own] = receiver.spans('application')
  expect(records.map((one) => [one.name, one.attributes.outcome, one.parentSpanId, one.traceId])).toEqual([
    ['Billing.charge', 'success', own?.spanId, own?.traceId],
    ['Billing.charge', 'failure', own?.spanId, own?.traceId],
  ])
  expect(records.map((one) => one.attributes['throughline.seq'])).toEqual([1, 2])
  expect([...records, own].map((one) => one?.attributes['correlation.id'])).toEqual([
    'order-1',
    'order-1',
    'order-1',
  ])
  for (const request of receiver.requests.filter((one) => one.path === '/v1/traces'))
    expect(request.traces[0]?.resource).toMatchObject({
      'service.name': 'shop',
      'service.instance.id': instance,
    })
})

test('shutdown leaves an empty spool folder, and a second start works', async () => {
  const first = await begin()
  await charge(1)
  expect(await first.shutdown()).toBe(true)
  expect(await first.shutdown()).toBe(true)
  expect(readdirSync(spoolDir)).toEqual([])
  const second = await begin()
  expect(second.instance).not.toBe(first.instance)
  await trace.getTracer('application').startActiveSpan('outer', async (span) => {
    await charge(2)
    span.end()
  })
  await second.flush()
  expect(receiver.records()).toHaveLength(2)
  expect(receiver.records()[1]?.parentSpanId).toBe(receiver.spans('application')[0]?.spanId)
})

test('metrics: one request a scope, cumulative sums, exemplars that lead to the trace and the request', async () => {
  const { flush } = await begin()
  await correlation.run('order-1', () => charge(1))
  await flush()
  await correlation.run('order-2', () => charge(2))
  await flush()
  const operations = receiver.metricsOf('throughline.operations')
  const businessOnes = receiver.metricsOf('throughline.business')
  expect([operations.length, businessOnes.length]).toEqual([2, 2])
  for (const request of receiver.requests.filter((one) => one.path === '/v1/metrics'))
    expect(request.metrics.flatMap((one) => one.scopes)).toHaveLength(1)
  const latest = operations[1]?.metrics[0]?.scopes[0]?.metrics.find(
    (one) => one.name === 'throughline.operation.duration',
  )
  if (latest?.data.kind !== 'histogram') throw new Error('no histogram')
  expect(latest.data.temporality).toBe('cumulative')
  expect(latest.data.points[0]).toMatchObject({
    count: 2,
    attributes: { 'operation.service': 'Billing', 'operation.name': 'charge', outcome: 'success' },
  })
  const records = receiver.records()
  for (const one of latest.data.points[0]?.exemplars ?? []) {
    const of = records.find((record) => record.spanId === one.spanId)
    expect(one.traceId).toBe(of?.traceId)
    expect(one.attributes?.['correlation.id']).toBe(of?.attributes['correlation.id'])
  }
  const sums = businessOnes[1]?.metrics[0]?.scopes[0]?.metrics[0]
  expect(sums).toMatchObject({
    name: 'business.vehicle.allocated',
    data: {
      kind: 'sum',
      monotonic: true,
      temporality: 'cumulative',
      points: [{ value: 2, attributes: { site: 'cologne' } }],
    },
  })
  expect(sums?.data.kind === 'sum' && sums.data.points[0]?.exemplars?.[0]?.attributes).toEqual({
    'correlation.id': 'order-2',
  })
})

test('the metrics page is valid OpenMetrics, makes no span, and says 404 elsewhere', async () => {
  const { metricsUrl, flush } = await begin({ metricsPort: 0 })
  await correlation.run('order-1', () => charge(1))
  const answer = await fetch(metricsUrl ?? '')
  expect(answer.headers.get('content-type')).toBe(
    'application/openmetrics-text; version=1.0.0; charset=utf-8',
  )
  const families = readOpenMetrics(await answer.text())
  const duration = families.find((one) => one.name === 'throughline_operation_duration_seconds')
  expect(duration?.samples.find((one) => one.exemplar !== undefined)?.exemplar?.labels).toMatchObject({
    correlation_id: 'order-1',
    trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
  })
  expect(families.map((one) => one.name)).toEqual(
    expect.arrayContaining([
      'business_vehicle_allocated',
      'throughline_notices',
      'throughline_spool_pending_bytes',
    ]),
  )
  expect((await fetch(`${metricsUrl}/../secret`)).status).toBe(404)
  await flush()
  const targets = receiver
    .spans('@opentelemetry/instrumentation-http')
    .map((one) => one.attributes['url.path'])
  expect(targets).not.toContain('/metrics')
})

test('a taken metrics port is named, and leaves nothing running', async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address() as AddressInfo
  await expect(begin({ metricsPort: port })).rejects.toMatchObject({
    code: 'TL_METRICS_PORT_TAKEN',
    message: expect.stringContaining(`port ${port}`),
  })
  await new Promise((resolve) => taken.close(resolve))
  expect(readdirSync(spoolDir)).toEqual([])
  await begin({ metricsPort: port })
})

test('a second start is refused, also while the first is under way', async () => {
  const both = await Promise.allSettled([begin(), begin()])
  expect(both.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected'])
  running = both.find((one) => one.status === 'fulfilled')?.value
  await expect(begin()).rejects.toThrow(/@throughline\/sdk .* runs already/)
})

test('the status line says who, where to and what is watched; headers are not in it', async () => {
  await begin({ headers: { authorization: 'hunter2' } })
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatch(
    /^throughline: shop; instruments http, undici; records to .*\/v1\/traces; metrics to .*; spool in /,
  )
  expect(lines[0]).not.toContain('hunter2')
})

test('direct mode: records go to the recorder, metrics to the page, other spans nowhere', async () => {
  running = await start({
    recorderUrl: receiver.url,
    spoolDir,
    metricsPort: 0,
    log: (line) => lines.push(line),
  })
  trace.getTracer('application').startSpan('own').end()
  await charge(1)
  expect(await running.flush()).toBe(true)
  expect(receiver.records()).toHaveLength(1)
  expect(receiver.requests.every((one) => one.path === '/v1/traces')).toBe(true)
  expect(receiver.spans('application')).toEqual([])
  expect(lines[0]).toMatch(/direct mode/)
})

test('a receiver that hangs: calls complete, flush and shutdown end in time, the next start delivers', async () => {
  receiver.answer = () => 'hang'
  const { flush, shutdown } = await begin()
  for (let i = 0; i < 100; i += 1) expect(await charge(i)).toBe(i)
  await until('a request hangs', () => receiver.requests.length > 0)
  const before = performance.now()
  expect(await flush(200)).toBe(false)
  expect(await shutdown(200)).toBe(false)
  expect(performance.now() - before).toBeLessThan(4_000)
  receiver.answer = () => 200
  const next = await begin()
  await next.flush()
  expect(receiver.records().map((one) => one.attributes['throughline.seq'])).toEqual(
    Array.from({ length: 100 }, (_, i) => i + 1),
  )
  expect(lines.at(-1)).toMatch(/1 segments of ended instances taken over/)
})

test('a spool folder that cannot be: calls complete, records go out from memory, and it is counted', async () => {
  writeFileSync(spoolDir, 'a file')
  const { flush, metricsUrl } = await begin({ metricsPort: 0 })
  await charge(1)
  expect(await flush()).toBe(true)
  expect(receiver.records()).toHaveLength(1)
  expect(lines[0]).toMatch(/spool_write_failed/)
  const families = readOpenMetrics(await (await fetch(metricsUrl ?? '')).text())
  expect(families.find((one) => one.name === 'throughline_notices')?.samples).toContainEqual(
    expect.objectContaining({ labels: { reason: 'spool_write_failed' }, value: 1 }),
  )
})
