import { join } from 'node:path'
import { demoCredentials } from '../cloudwatch/server.js'
import type { Ports } from './ports.js'
import type { ProcessSpec } from './process.js'

export type Profile = 'hybrid' | 'prometheus' | 'cloudwatch'

/**
 * The Collector with `otel-collector/base.yaml` and one profile, its addresses given by the variables that the README of that
 * folder lists. `assets` is the folder that holds `base.yaml`; `storage` keeps the queues over restarts.
 */
export function collectorProcess(
  binary: string,
  options: {
    assets: string
    storage: string
    profile: Profile
    ports: Ports
    /** Bearer token for the recorder. */
    token: string
    settings?: Record<string, string>
  },
): ProcessSpec {
  const { assets, storage, profile, ports, token, settings } = options
  const at = (port: number) => `127.0.0.1:${port}`
  return {
    name: 'collector',
    url: `http://${at(ports.otlpHttp)}`,
    command: binary,
    args: ['--config', join(assets, 'base.yaml'), '--config', join(assets, 'profiles', `${profile}.yaml`)],
    env: {
      THROUGHLINE_OTLP_HTTP: at(ports.otlpHttp),
      THROUGHLINE_OTLP_GRPC: at(ports.otlpGrpc),
      THROUGHLINE_COLLECTOR_HEALTH: at(ports.collectorHealth),
      THROUGHLINE_COLLECTOR_METRICS_HOST: '127.0.0.1',
      THROUGHLINE_COLLECTOR_METRICS_PORT: String(ports.collectorMetrics),
      THROUGHLINE_COLLECTOR_STORAGE: storage,
      THROUGHLINE_RECORDER_URL: `http://${at(ports.recorder)}`,
      THROUGHLINE_INGEST_TOKEN: token,
      THROUGHLINE_JAEGER_OTLP: at(ports.jaegerOtlp),
      THROUGHLINE_PROMETHEUS_URL: `http://${at(ports.prometheus)}`,
      THROUGHLINE_CLOUDWATCH_URL: `http://${at(ports.cloudwatch)}`,
      // Those of the stand-in, never the user's own: the child does not inherit AWS_* either.
      AWS_REGION: demoCredentials.region,
      AWS_ACCESS_KEY_ID: demoCredentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: demoCredentials.secretAccessKey,
      ...settings,
    },
    healthUrl: `http://${at(ports.collectorHealth)}/`,
  }
}
