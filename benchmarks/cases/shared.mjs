// What both sides of a comparison have in common: the work, its attributes, OpenTelemetry's own SDK.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { context, metrics, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { AlwaysOffSampler, BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'

/** The function that is wrapped: as little work as an async function can do. */
export const work = async (i) => i + 1

/** Six attributes as an application sets them. */
export const attributes = (i) => ({
  'order.id': i,
  'order.plan': 'pro',
  'order.site': 'cologne',
  'order.items': 3,
  'order.express': true,
  'customer.kind': 'business',
})

export const nothing = {
  export: (_batch, done) => done({ code: 0 }),
  shutdown: async () => {},
  forceFlush: async () => {},
}

/** TracerProvider and MeterProvider as an application has them, exporting to nowhere unless told otherwise. */
export function otel({ exporter = nothing, sampled = true } = {}) {
  const contexts = new AsyncLocalStorageContextManager().enable()
  context.setGlobalContextManager(contexts)
  const processor = new BatchSpanProcessor({ exporter, maxQueueSize: 100_000, scheduledDelayMillis: 1_000 })
  const provider = new TracerProvider({
    spanProcessors: [processor],
    ...(sampled ? {} : { sampler: new AlwaysOffSampler() }),
  })
  trace.setGlobalTracerProvider(provider)
  const reader = new PeriodicExportingMetricReader({ exporter: nothing, exportIntervalMillis: 60_000 })
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
  return { processor, contexts, flush: () => processor.forceFlush() }
}

/** What people write by hand: a span with six attributes, a histogram, a counter, errors recorded. */
export function byHand() {
  const tracer = trace.getTracer('app')
  const meter = metrics.getMeter('app')
  const histogram = meter.createHistogram('operation.duration', { unit: 's' })
  const counter = meter.createCounter('operation.count')
  return (i) =>
    tracer.startActiveSpan('Billing.charge', { attributes: attributes(i) }, async (span) => {
      const started = performance.now()
      let outcome = 'success'
      try {
        return await work(i)
      } catch (error) {
        outcome = 'failure'
        span.recordException(error)
        span.setStatus({ code: 2 })
        throw error
      } finally {
        const labels = { 'operation.service': 'Billing', 'operation.name': 'charge', outcome }
        histogram.record((performance.now() - started) / 1_000, labels)
        counter.add(1, labels)
        span.end()
      }
    })
}

/** An HTTP server in a process of its own that reads and answers 200; or the receiver that whoever runs the case has chosen. */
export async function nullSink() {
  const { BENCH_RECEIVER } = process.env
  if (BENCH_RECEIVER !== undefined) return BENCH_RECEIVER
  const child = spawn(process.execPath, [fileURLToPath(new URL('../harness/sink.mjs', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [port] = await once(child.stdout.setEncoding('utf8'), 'data')
  process.once('exit', () => child.kill())
  return `http://127.0.0.1:${Number(port)}`
}
