import { syncBuiltinESMExports } from 'node:module'
import { context, metrics, propagation, trace } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import type { SpanProcessor } from '@opentelemetry/sdk-trace'
import { CorrelationPropagator } from '@throughline/core'
import type { Config } from '../options.js'
import { correlationSpanProcessor, withoutOperations } from './span-processors.js'

/** What an earlier start in this process left in OpenTelemetry's globals: they take no second one. */
let forget: (() => void) | undefined

export interface RunningNodeSdk {
  /** `http`, `undici`, …: the modules that make spans by themselves. */
  readonly instrumented: string[]
  flush(timeoutMs: number): Promise<void>
  shutdown(): Promise<void>
}

/**
 * OpenTelemetry's own SDK, for every span and metric that is not ours.
 *
 * The order is load-bearing: instrumentations are registered before anything of the SDK is imported. Two exporters that sdk-node
 * imports take `http` at once, and taken before its instrumentation is there it would be wrapped twice: two client spans for each request.
 */
export async function startNodeSdk(config: Config, resource: Resource): Promise<RunningNodeSdk> {
  const { registerInstrumentations } = await import('@opentelemetry/instrumentation')
  const { HttpInstrumentation } = await import('@opentelemetry/instrumentation-http')
  const { UndiciInstrumentation } = await import('@opentelemetry/instrumentation-undici')
  const instrumentations = [
    new HttpInstrumentation(),
    new UndiciInstrumentation(),
    ...config.instrumentations,
  ]
  forget?.()
  const unload = registerInstrumentations({ instrumentations })
  forget = () => {
    unload()
    for (const api of [trace, metrics, context, propagation]) api.disable()
  }

  // The instrumentation patches the CommonJS form and holds that to be enough: `import { request } from 'node:http'` would stay as it was.
  for (const name of ['http', 'https']) process.getBuiltinModule(name)
  syncBuiltinESMExports()

  const { NodeSDK } = await import('@opentelemetry/sdk-node')
  const { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } = await import(
    '@opentelemetry/core'
  )
  const exported = config.metricsUrl === undefined ? undefined : await exporters(config)
  const sdk = new NodeSDK({
    resource,
    autoDetectResources: false,
    spanProcessors: [
      correlationSpanProcessor,
      ...(exported === undefined ? [] : [withoutOperations(exported.spans)]),
    ],
    metricReaders: exported === undefined ? [] : [exported.metrics],
    logRecordProcessors: [],
    textMapPropagator: new CompositePropagator({
      propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator(), new CorrelationPropagator()],
    }),
    ...(config.sampler === undefined ? {} : { sampler: config.sampler }),
  })
  sdk.start()
  // They were registered before there was a provider, and this API has no proxy for meters as it has for tracers.
  for (const one of instrumentations) one.setMeterProvider(metrics.getMeterProvider())
  return {
    instrumented: instrumentations.map((one) =>
      one.instrumentationName.replace(/^@opentelemetry\/instrumentation-/, ''),
    ),
    async flush(timeoutMs) {
      // Its failures are the SDK's to report: what it buffers is a picture, no record.
      await Promise.allSettled([
        exported?.spans.forceFlush(),
        exported?.metrics.forceFlush({ timeoutMillis: timeoutMs }),
      ])
    },
    shutdown: () => sdk.shutdown(),
  }
}

async function exporters(config: Config) {
  const { BatchSpanProcessor } = await import('@opentelemetry/sdk-trace')
  const { PeriodicExportingMetricReader } = await import('@opentelemetry/sdk-metrics')
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto')
  const { OTLPMetricExporter } = await import('@opentelemetry/exporter-metrics-otlp-http')
  const spans: SpanProcessor = new BatchSpanProcessor({
    exporter: new OTLPTraceExporter({ url: config.tracesUrl, headers: config.headers }),
    maxQueueSize: 8_192,
    scheduledDelayMillis: 1_000,
  })
  const metrics = new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter({ url: config.metricsUrl!, headers: config.headers }),
    exportIntervalMillis: config.metricsIntervalMs,
    exportTimeoutMillis: Math.min(config.metricsIntervalMs, 10_000),
  })
  return { spans, metrics }
}
