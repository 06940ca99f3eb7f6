import { context, metrics, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { correlation, track } from '@throughline/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Scratch, scratch } from '../testing/child.js'
import { readOpenMetrics } from '../testing/openmetrics.js'
import { type Receiver, startReceiver } from '../testing/receiver.js'
import { type Parts, parts } from './parts.js'
import { start } from './start.js'

let room: Scratch
let receiver: Receiver
let lines: string[]
let made: Parts | undefined
beforeEach(async () => {
  room = scratch()
  lines = []
  receiver = await startReceiver()
})
afterEach(async () => {
  await made?.shutdown(2_000)
  made = undefined
  for (const api of [trace, metrics, context, propagation]) api.disable()
  await receiver.close()
  room.remove()
})

const options = () => ({
  serviceName: 'shop',
  endpoint: receiver.url,
  spoolDir: room.dir,
  metricsIntervalMs: 60_000,
  log: (line: string) => void lines.push(line),
})
const charge = track('Billing.charge', async (amount: number) => {
  if (amount < 0) throw new RangeError('negative')
  return amount
})

test('parts in a NodeSDK of the application: one trace, each span once, its shutdown sends the records', async () => {
  made = await parts({ ...options(), metricsPort: 0 })
  const theirs = new InMemorySpanExporter()
  const sdk = new NodeSDK({
    resource: made.resource,
    autoDetectResources: false,
    spanProcessors: [...made.spanProcessors, new SimpleSpanProcessor({ exporter: theirs })],
    metricReaders: made.metricReaders,
    textMapPropagator: made.propagator,
    logRecordProcessors: [],
    instrumentations: [],
  })
  sdk.start()
  metrics.getMeter('application').createCounter('parcels').add(2)
  const carrier: Record<string, string> = {}
  await correlation.run({ id: 'order-1', user: 'u-1' }, () =>
    trace.getTracer('application').startActiveSpan('own', async (span) => {
      propagation.inject(context.active(), carrier)
      await charge(1)
      await charge(-1).catch(() => {})
      span.end()
    }),
  )
  const page = readOpenMetrics(await (await fetch(made.metricsUrl ?? '')).text())
  expect(page.find((one) => one.name === 'parcels')?.samples[0]?.value).toBe(2)
  const others = theirs.getFinishedSpans()
  await sdk.shutdown()

  expect(carrier).toMatchObject({ 'x-correlation-id': 'order-1', traceparent: expect.any(String) })
  const [own, ...moreOwn] = receiver.spans('application')
  const records = receiver.records()
  expect(moreOwn).toEqual([])
  expect(records.map((one) => [one.parentSpanId, one.traceId])).toEqual([
    [own?.spanId, own?.traceId],
    [own?.spanId, own?.traceId],
  ])
  expect(own?.attributes).toMatchObject({ 'correlation.id': 'order-1', 'user.id': 'u-1' })
  expect(receiver.metricsOf('application')).toHaveLength(1)
  for (const one of receiver.requests.flatMap((request) => request.traces))
    expect(one.resource['service.instance.id']).toBe(made.instance)

  // A copy that another exporter brings to the recorder makes the same row: it says what the record says.
  const copies = others.filter((one) => one.instrumentationScope.name === 'throughline.operations')
  expect(copies.map((one) => one.spanContext().spanId)).toEqual(records.map((one) => one.spanId))
  for (const [i, copy] of copies.entries())
    expect(copy.attributes).toMatchObject({ ...records[i]?.attributes })
  expect(copies[1]?.events.map((one) => one.name)).toEqual(['exception'])
})

test('parts without sdk-node, as in a Lambda: a provider and a context manager are enough', async () => {
  made = await parts(options())
  const provider = new TracerProvider({ resource: made.resource, spanProcessors: made.spanProcessors })
  trace.setGlobalTracerProvider(provider)
  metrics.setGlobalMeterProvider(new MeterProvider({ resource: made.resource, readers: made.metricReaders }))
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(made.propagator)
  await trace.getTracer('application').startActiveSpan('own', async (span) => {
    await charge(1)
    span.end()
  })
  await provider.forceFlush()
  const [own] = receiver.spans('application')
  expect(receiver.records().map((one) => one.parentSpanId)).toEqual([own?.spanId])
})

test('parts and start are one SDK: the second is refused', async () => {
  made = await parts(options())
  await expect(start(options())).rejects.toMatchObject({ code: 'TL_ALREADY_STARTED' })
  await expect(parts(options())).rejects.toMatchObject({ code: 'TL_ALREADY_STARTED' })
})

test('OTEL_SDK_DISABLED gives parts that do nothing', async () => {
  process.env.OTEL_SDK_DISABLED = 'true'
  try {
    const { spanProcessors, metricReaders, flush } = await parts(options())
    expect([spanProcessors, metricReaders, await flush()]).toEqual([[], [], true])
    expect(receiver.probes).toEqual([])
  } finally {
    delete process.env.OTEL_SDK_DISABLED
  }
})

test('start beside a NodeSDK that was there before: it keeps its spans and metrics, ours are records of its traces', async () => {
  const theirs = new InMemorySpanExporter()
  const sdk = new NodeSDK({
    serviceName: 'theirs',
    autoDetectResources: false,
    spanProcessors: [new SimpleSpanProcessor({ exporter: theirs })],
    metricReaders: [],
    logRecordProcessors: [],
  })
  sdk.start()
  const running = await start(options())
  const carrier: Record<string, string> = {}
  await correlation.run('order-1', () =>
    trace.getTracer('application').startActiveSpan('own', async (span) => {
      propagation.inject(context.active(), carrier)
      await charge(1)
      span.end()
    }),
  )
  expect(await running.flush()).toBe(true)
  const [operation, own] = theirs.getFinishedSpans()
  expect([operation?.name, own?.name]).toEqual(['Billing.charge', 'own'])
  expect(operation?.attributes).toMatchObject({ 'correlation.id': 'order-1', outcome: 'success' })
  expect(receiver.records()).toMatchObject([
    { traceId: own?.spanContext().traceId, parentSpanId: own?.spanContext().spanId },
  ])
  expect(receiver.spans('application')).toEqual([])
  // Their propagator still writes, ours beside it.
  expect(carrier).toMatchObject({ 'x-correlation-id': 'order-1', traceparent: expect.any(String) })
  expect(receiver.metricsOf('throughline.operations')).toHaveLength(1)
  await running.shutdown()
  expect(lines).toEqual([expect.stringContaining('beside an OpenTelemetry SDK that was registered before')])

  // After ours has ended theirs goes on as if it had never been there.
  const after: Record<string, string> = {}
  trace.getTracer('application').startActiveSpan('later', (span) => {
    propagation.inject(context.active(), after)
    span.end()
  })
  expect(Object.keys(after)).toEqual(['traceparent'])
  expect(theirs.getFinishedSpans().at(-1)?.name).toBe('later')
  await sdk.shutdown()
})

test('a NodeSDK that starts after us is said to have been refused', async () => {
  const running = await start({ ...options(), metricsPort: 0 })
  new NodeSDK({
    autoDetectResources: false,
    spanProcessors: [new SimpleSpanProcessor({ exporter: new InMemorySpanExporter() })],
    logRecordProcessors: [],
  }).start()
  expect(lines.join('\n')).toMatch(/otel_error: .*duplicate registration of API: trace/)
  await charge(1)
  await running.shutdown()
  expect(receiver.records()).toHaveLength(1)
})
