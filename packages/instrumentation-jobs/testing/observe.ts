import { metrics, propagation, trace } from '@opentelemetry/api'
import { CompositePropagator, W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  AggregationTemporality,
  DataPointType,
  type Histogram,
  MeterProvider,
  MetricReader,
} from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { CorrelationPropagator } from '@throughline/core'
import { forgettingGauges } from '../../sdk/src/otel/forgetting-gauges.js'
import { type TestThroughline, testThroughline } from '../../sdk/src/testing.js'

export interface Point {
  readonly name: string
  readonly unit: string
  readonly kind: 'histogram' | 'counter' | 'up-down' | 'gauge'
  readonly attributes: Record<string, unknown>
  /** Of a histogram its sum. */
  readonly value: number
  readonly count: number | undefined
  readonly bounds: number[] | undefined
}

type ReadableSpan = ReturnType<InMemorySpanExporter['getFinishedSpans']>[number]

/** OpenTelemetry's SDK and ours, in memory: what a job left behind. */
export interface Observed {
  readonly sdk: TestThroughline
  /** All points of the scope of this package, as a reader gets them now. */
  points(): Promise<Point[]>
  /** Those of one name; the attributes given are all that they must have at least. */
  of(name: string, attributes?: Record<string, unknown>): Promise<Point[]>
  spans(name?: string): ReadableSpan[]
  close(): Promise<void>
}

class Reader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

export function observe(): Observed {
  const sdk = testThroughline()
  const exporter = new InMemorySpanExporter()
  const tracers = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
  trace.setGlobalTracerProvider(tracers)
  propagation.setGlobalPropagator(
    new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new CorrelationPropagator()] }),
  )
  const reader = new Reader({
    aggregationTemporalitySelector: forgettingGauges(() => AggregationTemporality.CUMULATIVE),
  })
  const meters = new MeterProvider({ readers: [reader] })
  metrics.setGlobalMeterProvider(meters)

  async function points(): Promise<Point[]> {
    const { resourceMetrics, errors } = await reader.collect()
    if (errors.length > 0) throw new AggregateError(errors)
    return resourceMetrics.scopeMetrics
      .filter(({ scope }) => scope.name === '@throughline/instrumentation-jobs')
      .flatMap(({ metrics: all }) => all)
      .flatMap(({ descriptor, dataPoints, dataPointType, ...rest }) =>
        dataPoints.map(({ attributes, value }) => {
          const histogram = dataPointType === DataPointType.HISTOGRAM ? (value as Histogram) : undefined
          return {
            name: descriptor.name,
            unit: descriptor.unit,
            kind: kindOf(dataPointType, 'isMonotonic' in rest && rest.isMonotonic),
            attributes: { ...attributes },
            value: histogram?.sum ?? (value as number),
            count: histogram?.count,
            bounds: histogram?.buckets.boundaries,
          }
        }),
      )
  }

  return {
    sdk,
    points,
    of: async (name, attributes = {}) =>
      (await points()).filter(
        (point) =>
          point.name === name &&
          Object.entries(attributes).every(([key, value]) => point.attributes[key] === value),
      ),
    spans: (name) => exporter.getFinishedSpans().filter((span) => name === undefined || span.name === name),
    async close() {
      sdk.close()
      for (const api of [trace, metrics, propagation]) api.disable()
      await Promise.all([tracers.shutdown(), meters.shutdown()])
    },
  }
}

function kindOf(type: DataPointType, monotonic: boolean): Point['kind'] {
  if (type === DataPointType.HISTOGRAM) return 'histogram'
  if (type === DataPointType.GAUGE) return 'gauge'
  return monotonic ? 'counter' : 'up-down'
}
