import { createRequire } from 'node:module'
import { autometrics, registerExporter } from '@autometrics/autometrics'

/** The metrics SDK that autometrics itself brings: a reader of another version would not fit. */
const { MetricReader } = createRequire(import.meta.resolve('@autometrics/autometrics'))(
  '@opentelemetry/sdk-metrics',
)

class Reader extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}

/** Metrics only: the duration of a call is its share of the histogram's sum. */
export function create() {
  const reader = new Reader()
  registerExporter({ metricReader: reader })
  return {
    wrap: (name, fn) => autometrics({ functionName: name, moduleName: 'torture' }, fn),
    async recorded(name) {
      const { resourceMetrics } = await reader.collect()
      const points = (metric) =>
        resourceMetrics.scopeMetrics
          .flatMap(({ metrics }) => metrics)
          .filter(({ descriptor }) => descriptor.name === metric)
          .flatMap(({ dataPoints }) => dataPoints)
          .filter(({ attributes }) => attributes.function === name)
      const calls = points('function.calls').flatMap(({ attributes, value }) =>
        Array.from({ length: value }, () => (attributes.result === 'error' ? 'failure' : 'success')),
      )
      const sum = points('function.calls.duration').reduce((all, { value }) => all + value.sum, 0)
      return calls.map((outcome) => ({ durationMs: (sum * 1_000) / calls.length, outcome }))
    },
  }
}
