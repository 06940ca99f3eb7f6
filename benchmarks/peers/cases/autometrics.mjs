import { createRequire } from 'node:module'
import { autometrics, registerExporter } from '@autometrics/autometrics'
import { work } from './shared.mjs'

/** The metrics SDK that autometrics itself brings: a reader of another version would not fit. */
const { PeriodicExportingMetricReader } = createRequire(import.meta.resolve('@autometrics/autometrics'))(
  '@opentelemetry/sdk-metrics',
)

const nothing = {
  export: (_metrics, done) => done({ code: 0 }),
  forceFlush: async () => {},
  shutdown: async () => {},
  selectAggregationTemporality: () => 1,
}

/** Two metrics a call, no span; a registered exporter that throws them away. */
export async function setup() {
  registerExporter({
    metricReader: new PeriodicExportingMetricReader({ exporter: nothing, exportIntervalMillis: 60_000 }),
  })
  return { call: autometrics({ functionName: 'charge', moduleName: 'billing' }, work) }
}
