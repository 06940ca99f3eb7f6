import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Stack } from '@throughline/cli'

const folder = fileURLToPath(new URL('../..', import.meta.url))
const register = pathToFileURL(createRequire(import.meta.url).resolve('@throughline/sdk/register')).href

type Part = Stack['parts'][number]

export interface Services {
  /** Base URL of the allocation service. */
  readonly url: string
  /** Where its metrics page is. */
  readonly metricsUrl: string
  readonly allocation: Part
  readonly catalogue: Part
}

/** Where the services' telemetry goes: by the Collector, or straight to the recorder. */
export type Route = 'collector' | 'direct'

/** Starts the catalogue and the allocation service as processes of the stack. */
export async function startServices(stack: Stack, route: Route): Promise<Services> {
  const { ports } = stack
  const catalogue = await startService(stack, 'catalogue', route, ports.catalogue, ports.catalogueMetrics, {})
  const allocation = await startService(
    stack,
    'allocation',
    route,
    ports.allocation,
    ports.allocationMetrics,
    {
      CATALOGUE_URL: `http://127.0.0.1:${ports.catalogue}`,
    },
  )
  const metricsUrl = `http://127.0.0.1:${ports.allocationMetrics}/metrics`
  return { url: `http://127.0.0.1:${ports.allocation}`, metricsUrl, allocation, catalogue }
}

/** Ends both, their requests answered and their records sent or kept. */
export async function stopServices(services: Services): Promise<void> {
  await services.allocation.stop()
  await services.catalogue.stop()
}

function startService(
  stack: Stack,
  name: 'allocation' | 'catalogue',
  route: Route,
  port: number,
  metricsPort: number,
  more: Record<string, string>,
): Promise<Part> {
  const url = `http://127.0.0.1:${port}`
  return stack.startProgram({
    name,
    url,
    healthUrl: `${url}/healthz`,
    command: process.execPath,
    args: ['--import', register, `${folder}dist/${name}.js`],
    ports: name === 'allocation' ? ['allocation', 'allocationMetrics'] : ['catalogue', 'catalogueMetrics'],
    env: {
      PORT: String(port),
      DATABASE_URL: stack.databaseUrl,
      OTEL_SERVICE_NAME: name,
      OTEL_RESOURCE_ATTRIBUTES: 'service.version=0.1.0,service.namespace=dyno',
      OTEL_METRIC_EXPORT_INTERVAL: '2000',
      THROUGHLINE_SPOOL_DIR: `${stack.dir}/spool`,
      THROUGHLINE_METRICS_PORT: String(metricsPort),
      // With an endpoint beside it, the recorder is the one that confirms what the Collector took.
      THROUGHLINE_RECORDER_URL: stack.recorderUrl,
      THROUGHLINE_RECORDER_TOKEN: stack.tokens.ingest,
      ...(route === 'direct' ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: stack.otlpUrl }),
      ...more,
    },
  })
}
