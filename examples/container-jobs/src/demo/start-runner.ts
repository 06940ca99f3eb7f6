import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Stack } from '@throughline/cli'

const program = fileURLToPath(new URL('../../dist/runner.js', import.meta.url))
const register = pathToFileURL(createRequire(import.meta.url).resolve('@throughline/sdk/register')).href

type Part = Stack['parts'][number]

export interface Runner {
  readonly url: string
  readonly part: Part
}

/** Starts the runner as a process of the stack; with a Collector its telemetry goes there, else straight to the recorder. */
export async function startRunner(
  stack: Stack,
  options: { route: 'collector' | 'direct'; dockerHost: string; env?: Record<string, string> },
): Promise<Runner> {
  const url = `http://127.0.0.1:${stack.ports.jobs}`
  const part = await stack.startProgram({
    name: 'jobs',
    url,
    healthUrl: `${url}/healthz`,
    command: process.execPath,
    args: ['--import', register, program],
    ports: ['jobs'],
    env: {
      PORT: String(stack.ports.jobs),
      DATABASE_URL: stack.databaseUrl,
      DOCKER_HOST: options.dockerHost,
      OTEL_SERVICE_NAME: 'container-jobs',
      OTEL_RESOURCE_ATTRIBUTES: 'service.version=0.1.0',
      OTEL_METRIC_EXPORT_INTERVAL: '2000',
      THROUGHLINE_SPOOL_DIR: `${stack.dir}/spool`,
      THROUGHLINE_RECORDER_URL: stack.recorderUrl,
      THROUGHLINE_RECORDER_TOKEN: stack.tokens.ingest,
      ...(options.route === 'direct' ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: stack.otlpUrl }),
      ...options.env,
    },
  })
  return { url, part }
}
