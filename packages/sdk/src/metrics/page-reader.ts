import { hrTimeToNanoseconds } from '@opentelemetry/core'
import type { MetricData, MetricReader } from '@opentelemetry/sdk-metrics'
import type { Attributes, Metric } from '@throughline/otlp'
import { forgettingGauges } from '../otel/forgetting-gauges.js'
import type { ScopeMetrics } from './exporter.js'

/** The application's own metrics, those it makes by OpenTelemetry's API, as the metrics page shows them. */
export interface PageReader {
  readonly reader: MetricReader
  collect(): Promise<ScopeMetrics[]>
}

/**
 * A reader that is asked when the page is. Their numbers and not their text: `exporter-prometheus` writes an older format, which cannot hold
 * exemplars, and its output cannot be put beside ours without being taken apart again.
 */
export async function createPageReader(): Promise<PageReader> {
  const { AggregationTemporality, DataPointType, MetricReader } = await import('@opentelemetry/sdk-metrics')

  class OnDemandReader extends MetricReader {
    protected override onForceFlush(): Promise<void> {
      return Promise.resolve()
    }

    protected override onShutdown(): Promise<void> {
      return Promise.resolve()
    }
  }

  const reader = new OnDemandReader({
    aggregationTemporalitySelector: forgettingGauges(() => AggregationTemporality.CUMULATIVE),
  })

  function translate(metric: MetricData): Metric | undefined {
    const { name, description, unit } = metric.descriptor
    const points = metric.dataPoints.map((point) => ({
      attributes: point.attributes as Attributes,
      startTimeUnixNano: BigInt(hrTimeToNanoseconds(point.startTime)),
      timeUnixNano: BigInt(hrTimeToNanoseconds(point.endTime)),
    }))
    if (metric.dataPointType === DataPointType.SUM || metric.dataPointType === DataPointType.GAUGE) {
      const values = metric.dataPoints.map((point, i) => ({ ...points[i]!, value: point.value }))
      return metric.dataPointType === DataPointType.GAUGE
        ? { name, description, unit, data: { kind: 'gauge', points: values } }
        : {
            name,
            description,
            unit,
            data: { kind: 'sum', monotonic: metric.isMonotonic, temporality: 'cumulative', points: values },
          }
    }
    // OpenMetrics has no exponential histograms.
    if (metric.dataPointType !== DataPointType.HISTOGRAM) return undefined
    const values = metric.dataPoints.map(({ value }, i) => ({
      ...points[i]!,
      count: value.count,
      sum: value.sum,
      bounds: value.buckets.boundaries,
      bucketCounts: value.buckets.counts,
    }))
    return { name, description, unit, data: { kind: 'histogram', temporality: 'cumulative', points: values } }
  }

  return {
    reader,
    async collect() {
      const { resourceMetrics } = await reader.collect()
      return resourceMetrics.scopeMetrics.map(({ scope, metrics }) => ({
        scope: { name: scope.name, version: scope.version ?? '' },
        metrics: metrics.map(translate).filter((one) => one !== undefined),
        labelled: true,
      }))
    },
  }
}
