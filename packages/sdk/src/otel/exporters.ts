import type { MetricReader } from '@opentelemetry/sdk-metrics'
import type { SpanProcessor } from '@opentelemetry/sdk-trace'
import type { Config } from '../options.js'
import { forgettingGauges } from './forgetting-gauges.js'
import { withoutOperations } from './span-processors.js'

/** OpenTelemetry's own exporters, for the spans and metrics that are not ours. */
export interface Exporters {
  readonly spanProcessors: SpanProcessor[]
  readonly metricReaders: MetricReader[]
  flush(timeoutMs: number): Promise<void>
}

/** `report` hears of failed flushes; of what fails by itself OpenTelemetry tells its own logger. */
export async function createExporters(config: Config, report: (problem: string) => void): Promise<Exporters> {
  const spans = config.exportSpans ? await spanExporter(config) : undefined
  const metrics =
    config.metricsUrl === undefined ? undefined : await metricExporter(config, config.metricsUrl)
  return {
    spanProcessors: spans === undefined ? [] : [withoutOperations(spans)],
    metricReaders: metrics === undefined ? [] : [metrics],
    async flush(timeoutMs) {
      const results = await Promise.allSettled([
        spans?.forceFlush(),
        metrics?.forceFlush({ timeoutMillis: timeoutMs }),
      ])
      for (const one of results) if (one.status === 'rejected') report(String(one.reason).slice(0, 200))
    },
  }
}

async function spanExporter(config: Config): Promise<SpanProcessor> {
  const { BatchSpanProcessor } = await import('@opentelemetry/sdk-trace')
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto')
  const { env } = process
  return new BatchSpanProcessor({
    exporter: new OTLPTraceExporter({
      url: config.tracesUrl,
      headers: config.tracesHeaders,
      timeoutMillis: config.tracesTimeoutMs,
    }),
    // Its own defaults drop a burst of more than 2,560 spans; its own variables win.
    ...(env.OTEL_BSP_MAX_QUEUE_SIZE === undefined ? { maxQueueSize: 8_192 } : {}),
    ...(env.OTEL_BSP_SCHEDULE_DELAY === undefined ? { scheduledDelayMillis: 1_000 } : {}),
  })
}

async function metricExporter(config: Config, url: string): Promise<MetricReader> {
  const { PeriodicExportingMetricReader } = await import('@opentelemetry/sdk-metrics')
  // Protobuf, not JSON: JSON has no NaN, and a Collector refuses a whole request for the null that stands in its place.
  const { OTLPMetricExporter } = await import('@opentelemetry/exporter-metrics-otlp-proto')
  const exporter = new OTLPMetricExporter({
    url,
    headers: config.metricsHeaders,
    timeoutMillis: config.metricsTimeoutMs,
  })
  const usual = exporter.selectAggregationTemporality.bind(exporter)
  exporter.selectAggregationTemporality = forgettingGauges(usual)
  return new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: config.metricsIntervalMs,
    exportTimeoutMillis: Math.min(config.metricsIntervalMs, config.metricsTimeoutMs),
  })
}
