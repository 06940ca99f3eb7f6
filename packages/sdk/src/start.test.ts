import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { metrics, trace } from '@opentelemetry/api'
import { ParentBasedSampler, type Sampler, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace'
import { business, correlation, track } from '@throughline/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Scratch, scratch } from '../testing/child.js'
import { readOpenMetrics } from '../testing/openmetrics.js'
import { type Answer, type Receiver, startReceiver } from '../testing/receiver.js'
import { until } from '../testing/until.js'
import type { StartOptions } from './options.js'
import type { Throughline } from './run.js'
import { start } from './start.js'

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
  expect(records.map((one) => one.attributes['throughline.seq'])).toEqual([2, 3])
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
  await until('the status line', () => lines.length > 0)
  expect(lines).toEqual([
    expect.stringMatching(
      /^throughline: shop; instruments http, undici; records to .*\/v1\/traces \(it answers\); metrics to .*; spool in /,
    ),
  ])
  expect(receiver.probes).toMatchObject([{ headers: { authorization: 'hunter2' } }])
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
  await until('the status line', () => lines.some((line) => /direct mode/.test(line)))
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
    Array.from({ length: 100 }, (_, i) => i + 2),
  )
  await until('the status line', () =>
    lines.some((line) => /1 segments of ended instances taken over/.test(line)),
  )
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

test.each<[string, Answer, RegExp]>([
  ['refuses', 401, /records to \S+ \(it answers 401\)/],
  [
    'hangs',
    'hang',
    /records to \S+ \(no answer: no answer in 1000 ms; records are kept until there is one\)/,
  ],
])('the status line says that a receiver %s, and nobody waits for it', async (_, answer, expected) => {
  receiver.probeAnswer = answer
  const { shutdown } = await begin()
  await charge(1)
  await until('the status line', () => lines.length > 0)
  expect(lines[0]).toMatch(expected)
  await shutdown()
})

test('a receiver that is not there is named in the status line by its reason', async () => {
  await begin({ endpoint: 'http://127.0.0.1:9' })
  await until('the status line', () => lines.some((line) => line.startsWith('throughline: shop')))
  expect(lines.find((line) => line.startsWith('throughline: shop'))).toMatch(
    /\(no answer: ECONNREFUSED; records are kept/,
  )
})

test('a shutdown before the answer says the line at once', async () => {
  receiver.probeAnswer = 'hang'
  await (await begin()).shutdown()
  expect(lines).toEqual([expect.stringMatching(/^throughline: shop; .*\(not asked\)/)])
})

test('OTEL_SDK_DISABLED: start gives an SDK that does nothing, and calls go on', async () => {
  process.env.OTEL_SDK_DISABLED = 'TRUE'
  try {
    const { flush, shutdown, metricsUrl } = await begin({ metricsPort: 0 })
    expect(await charge(1)).toBe(1)
    expect([await flush(), await shutdown(), metricsUrl]).toEqual([true, true, undefined])
    expect([lines, receiver.requests, receiver.probes]).toEqual([[], [], []])
  } finally {
    delete process.env.OTEL_SDK_DISABLED
  }
})

test.each<[string, Sampler, number]>([
  ['0 %', new TraceIdRatioBasedSampler(0), 0],
  ['100 %', new TraceIdRatioBasedSampler(1), 200],
])(
  'at %s head sampling each operation is a record and counted; failed and slow ones are kept',
  async (_, root, sampled) => {
    const { flush } = await begin({ sampler: new ParentBasedSampler({ root }), keepSlow: 40 })
    for (let i = 0; i < 200; i += 1) await charge(i === 100 ? -1 : i).catch(() => {})
    const slow = track('Billing.slow', () => new Promise((resolve) => setTimeout(resolve, 60)))
    await slow()
    expect(await flush()).toBe(true)
    const records = receiver.records()
    expect(records).toHaveLength(201)
    const kept = records.filter((one) => (Number(one.flags) & 1) === 1)
    expect(kept.length).toBe(sampled === 0 ? 2 : 201)
    expect(kept.map((one) => one.name)).toContain('Billing.slow')
    expect(kept.some((one) => one.attributes.outcome === 'failure')).toBe(true)
    const metrics = receiver.metricsOf('throughline.operations').at(-1)?.metrics[0]?.scopes[0]?.metrics[0]
    if (metrics?.data.kind !== 'histogram') throw new Error('no histogram')
    expect(metrics.data.points.reduce((sum, point) => sum + point.count, 0)).toBe(201)
    // An exemplar leads to a trace that can be opened, whichever way it was kept.
    const spans = new Set(kept.map((one) => one.spanId))
    const failures = metrics.data.points.find((point) => point.attributes.outcome === 'failure')
    expect(failures?.exemplars?.map((one) => spans.has(one.spanId ?? ''))).toEqual([true])
  },
)

test('an operation that is open at the shutdown has a record that says so', async () => {
  const { shutdown } = await begin()
  const never = track('Billing.never', () => new Promise(() => {}))
  void never()
  await shutdown()
  expect(receiver.records().map((one) => [one.name, one.attributes.outcome])).toEqual([
    ['Billing.never', 'abandoned'],
  ])
})

test('the metrics page holds the application’s own metrics, and the page stays valid', async () => {
  const { metricsUrl } = await begin({ metricsPort: 0 })
  const meter = metrics.getMeter('application')
  meter.createCounter('parcels.sent', { description: 'Parcels "sent"' }).add(3, { to: 'x' })
  meter.createHistogram('parcel.weight', { unit: 'kg' }).record(2)
  metrics.getMeter('other').createCounter('parcels.sent').add(4, { to: 'x' })
  meter.createUpDownCounter('throughline.notices').add(1)
  const families = readOpenMetrics(await (await fetch(metricsUrl ?? '')).text())
  const parcels = families.filter((one) => one.name === 'parcels_sent')
  expect(parcels).toMatchObject([
    {
      type: 'counter',
      samples: [
        { name: 'parcels_sent_total', labels: { to: 'x', otel_scope_name: 'application' }, value: 3 },
        { labels: { otel_scope_name: 'other' }, value: 4 },
      ],
    },
  ])
  expect(families.find((one) => one.name === 'parcel_weight')?.type).toBe('histogram')
  // One name for two things: ours stays, the other is named.
  expect(families.find((one) => one.name === 'throughline_notices')?.type).toBe('counter')
  expect(lines.some((line) => /metric_name_taken: throughline.notices of application/.test(line))).toBe(true)
})

test('a failed export of other spans is named and counted, not lost in silence', async () => {
  receiver.answer = () => 400
  const { flush, metricsUrl } = await begin({ metricsPort: 0 })
  trace.getTracer('application').startSpan('own').end()
  await flush()
  await until('the notice', () => lines.some((line) => /otel_error: .*OTLPExporterError/.test(line)))
  expect(await (await fetch(metricsUrl ?? '')).text()).toMatch(
    /throughline_notices_total\{reason="otel_error"\} \d/,
  )
})
