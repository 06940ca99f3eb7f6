import { setImmediate as turn } from 'node:timers/promises'
import { type Attributes, context, diag, metrics, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { DataPointType, type Histogram, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace'

/** A series of a metric. `value` is the sum of a histogram, `count` its calls. */
export interface Point {
  attributes: Attributes
  value: number
  count: number
}

/** OpenTelemetry's own SDK, read at once. */
export interface Telemetry {
  /** Those of calls that are over; they are made when the event loop has turned. */
  spans(): Promise<ReadableSpan[]>
  /** Every series of the metric that has these attributes among its own. */
  points(name: string, attributes?: Attributes): Promise<Point[]>
  /** The sum of these series; 0 when there is none. */
  sum(name: string, attributes?: Attributes): Promise<number>
  /** The calls of a histogram. */
  count(name: string, attributes?: Attributes): Promise<number>
  units(): Promise<Record<string, string>>
  /** Lines of the diagnostic log, warnings and news. */
  readonly said: string[]
  /** For the next test: another provider, as if the process was new. */
  reset(): void
  remove(): void
}

class Reader extends MetricReader {
  protected async onForceFlush(): Promise<void> {}
  protected async onShutdown(): Promise<void> {}
}

export function installTelemetry(): Telemetry {
  const contexts = new AsyncLocalStorageContextManager().enable()
  context.setGlobalContextManager(contexts)
  const kept = new InMemorySpanExporter()
  trace.setGlobalTracerProvider(
    new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: kept })] }),
  )
  let reader = new Reader()
  const said: string[] = []
  const say = (text: string) => void said.push(text)
  const nothing = () => {}
  diag.setLogger(
    { error: say, warn: say, info: say, debug: nothing, verbose: nothing },
    { suppressOverrideMessage: true },
  )

  function reset(): void {
    kept.reset()
    said.length = 0
    reader = new Reader()
    metrics.disable()
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
  }

  async function all() {
    const { resourceMetrics } = await reader.collect()
    return resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)
  }

  async function points(name: string, wanted: Attributes = {}): Promise<Point[]> {
    const metric = (await all()).find(({ descriptor }) => descriptor.name === name)
    if (metric === undefined) return []
    return metric.dataPoints
      .filter(({ attributes }) => Object.entries(wanted).every(([key, value]) => attributes[key] === value))
      .map(({ attributes, value }) => {
        if (metric.dataPointType !== DataPointType.HISTOGRAM)
          return { attributes, value: value as number, count: 0 }
        const { sum = 0, count } = value as Histogram
        return { attributes, value: sum, count }
      })
  }

  const total = async (name: string, wanted: Attributes | undefined, key: 'value' | 'count') =>
    (await points(name, wanted)).reduce((sum, point) => sum + point[key], 0)

  reset()
  return {
    async spans() {
      await turn()
      return kept.getFinishedSpans()
    },
    points,
    sum: (name, wanted) => total(name, wanted, 'value'),
    count: (name, wanted) => total(name, wanted, 'count'),
    units: async () =>
      Object.fromEntries((await all()).map(({ descriptor }) => [descriptor.name, descriptor.unit])),
    said,
    reset,
    remove() {
      contexts.disable()
      context.disable()
      trace.disable()
      metrics.disable()
      diag.disable()
    },
  }
}
