import { createRequire } from 'node:module'
import type { ProcessSpec } from './process.js'

/** Where the recorder finds the others, for links, health and the value gauges. */
interface Places {
  jaeger?: string
  prometheus?: string
  /** The Collector's own metrics page. */
  collectorMetrics?: string
  otlp?: string
  /** A YAML file. */
  valueModel?: string
}

/** The recorder as a process of its own, on the Node that runs us. `THROUGHLINE_RECORDER_*` settings of the user's win over ours. */
export function recorderProcess(port: number, databaseUrl: string, places: Places = {}): ProcessSpec {
  const url = `http://127.0.0.1:${port}`
  const settings = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[0].startsWith('THROUGHLINE_RECORDER_') && entry[1] !== undefined,
  )
  return {
    name: 'recorder',
    url,
    command: process.execPath,
    // The semi-space is where the memory of a busy recorder goes: with Node's own size it takes half as much again, and is no faster.
    args: [
      '--enable-source-maps',
      '--max-semi-space-size=8',
      createRequire(import.meta.url).resolve('@throughline/recorder/main'),
    ],
    env: {
      ...variable('THROUGHLINE_RECORDER_JAEGER_URL', places.jaeger),
      ...variable('THROUGHLINE_RECORDER_PROMETHEUS_URL', places.prometheus),
      // Built from source, both have no pages of their own: their answers as JSON are better than a link to an error.
      ...variable(
        'THROUGHLINE_RECORDER_TRACE_LINK',
        places.jaeger && `${places.jaeger}/api/traces/{trace_id}?prettyPrint=true`,
      ),
      ...variable(
        'THROUGHLINE_RECORDER_SERIES_LINK',
        places.prometheus && `${places.prometheus}/api/v1/query?query={query}`,
      ),
      ...variable('THROUGHLINE_RECORDER_COLLECTOR_URL', places.collectorMetrics),
      ...variable('THROUGHLINE_RECORDER_OTLP_URL', places.otlp),
      ...variable('THROUGHLINE_RECORDER_VALUE_MODEL', places.valueModel),
      ...Object.fromEntries(settings),
      THROUGHLINE_DATABASE_URL: databaseUrl,
      THROUGHLINE_RECORDER_HOST: '127.0.0.1',
      THROUGHLINE_RECORDER_PORT: String(port),
    },
    healthUrl: `${url}/healthz`,
  }
}

function variable(name: string, value: string | undefined): Record<string, string> {
  return value === undefined ? {} : { [name]: value }
}
