import type { Instrumentation } from '@opentelemetry/instrumentation'
import type { Sampler } from '@opentelemetry/sdk-trace'
import { SdkError } from './errors.js'
import type { KeepSlow } from './metrics/slow.js'
import { type Policies, type PolicyOptions, readPolicies } from './policies.js'
import { type Env, keyValues, list, url, whole, withoutEmpty } from './settings.js'
import { readSpooling, recorderAuthorization, type Spooling, type SpoolingOptions } from './spool-options.js'

/** What `start` takes. Each option has an environment variable; the option wins. */
export interface StartOptions extends PolicyOptions, SpoolingOptions {
  /** `OTEL_SERVICE_NAME`. Default `unknown_service`. */
  serviceName?: string
  /** `service.version`, also from `OTEL_RESOURCE_ATTRIBUTES`. */
  serviceVersion?: string
  /** Base URL of the Collector's OTLP/HTTP receiver, `OTEL_EXPORTER_OTLP_ENDPOINT`. Default `http://127.0.0.1:4318`. */
  endpoint?: string
  /**
   * Base URL of a recorder, `THROUGHLINE_RECORDER_URL`. Without an endpoint this is direct mode: records go to the recorder, metrics stand
   * on the metrics page, spans that are no operations are not exported. With an endpoint it is who confirms (`confirm`).
   */
  recorderUrl?: string
  /** Further headers of every request to the Collector or recorder, `OTEL_EXPORTER_OTLP_HEADERS`. Never logged. */
  headers?: Record<string, string>
  /** Port of the metrics page, `THROUGHLINE_METRICS_PORT`. Default: none. */
  metricsPort?: number
  /** Address of the metrics page, `THROUGHLINE_METRICS_HOST`. Default `127.0.0.1`. */
  metricsHost?: string
  /** How often metrics are sent, in ms, `OTEL_METRIC_EXPORT_INTERVAL`. Default 10,000. */
  metricsIntervalMs?: number
  /** How long an exit may take to bring out what is buffered, in ms, `THROUGHLINE_SHUTDOWN_TIMEOUT`. Default 3,000. */
  shutdownTimeoutMs?: number
  /** Head sampler of traces. Default: `OTEL_TRACES_SAMPLER`, else parent-based, always on. Rows and metrics never depend on it. */
  sampler?: Sampler
  /**
   * Which successful operations count as slow, and so reach Jaeger whatever the head sampler said, as failed ones do: `p99` (default), the
   * slowest hundredth of each kind of operation; a number, those that took more ms; `false`, none. `THROUGHLINE_KEEP_SLOW`.
   */
  keepSlow?: KeepSlow
  /** Instrumentations beside http, undici and those `@opentelemetry/instrumentation-…` packages that the application has installed. */
  instrumentations?: Instrumentation[]
  /** Where the status line and each warning go. Default: one line each to stderr. */
  log?: (line: string) => void
}

/** Options and environment together, checked. */
export interface Config extends Policies, Spooling {
  /** `OTEL_SDK_DISABLED`: nothing shall be started. */
  readonly disabled: boolean
  readonly serviceName: string
  readonly serviceVersion: string | undefined
  readonly mode: 'collector' | 'direct'
  readonly tracesUrl: string
  readonly metricsUrl: string | undefined
  /** Whether spans that are no operations are exported. */
  readonly exportSpans: boolean
  readonly tracesHeaders: Record<string, string>
  readonly metricsHeaders: Record<string, string>
  readonly tracesTimeoutMs: number
  readonly metricsTimeoutMs: number
  readonly metricsPort: number | undefined
  readonly metricsHost: string
  readonly metricsIntervalMs: number
  readonly shutdownTimeoutMs: number
  readonly sampler: Sampler | undefined
  readonly keepSlow: KeepSlow
  readonly propagators: readonly string[]
  readonly instrumentations: Instrumentation[]
  readonly enabledInstrumentations: readonly string[] | undefined
  readonly disabledInstrumentations: readonly string[]
  /** What the environment asks for and does not get: said once, at the start. */
  readonly warnings: readonly string[]
  readonly log: (line: string) => void
}

/** @throws SdkError `TL_OPTION_INVALID` naming the option, its variable and what it may be. */
export function readConfig(options: StartOptions = {}, environment: Env = process.env): Config {
  const env = withoutEmpty(environment)
  const resource = resourceAttributes(env)
  const to = receivers(options, env)
  return {
    disabled: env.OTEL_SDK_DISABLED?.toLowerCase() === 'true',
    serviceName:
      options.serviceName ?? env.OTEL_SERVICE_NAME ?? resource['service.name'] ?? 'unknown_service',
    serviceVersion: options.serviceVersion ?? resource['service.version'],
    ...to,
    ...timeouts(env),
    ...readSpooling(options, env, to.mode),
    metricsPort: optionalPort(options.metricsPort ?? env.THROUGHLINE_METRICS_PORT),
    metricsHost: options.metricsHost ?? env.THROUGHLINE_METRICS_HOST ?? '127.0.0.1',
    metricsIntervalMs: whole(
      'metricsIntervalMs (OTEL_METRIC_EXPORT_INTERVAL)',
      options.metricsIntervalMs ?? env.OTEL_METRIC_EXPORT_INTERVAL,
      10_000,
      100,
      LONGEST_MS,
    ),
    shutdownTimeoutMs: whole(
      'shutdownTimeoutMs (THROUGHLINE_SHUTDOWN_TIMEOUT)',
      options.shutdownTimeoutMs ?? env.THROUGHLINE_SHUTDOWN_TIMEOUT,
      3_000,
      0,
      600_000,
    ),
    sampler: options.sampler,
    ...readPolicies(options, env),
    keepSlow: keepSlow(options.keepSlow ?? env.THROUGHLINE_KEEP_SLOW),
    propagators: list(env.OTEL_PROPAGATORS) ?? ['tracecontext', 'baggage'],
    instrumentations: options.instrumentations ?? [],
    enabledInstrumentations: list(env.OTEL_NODE_ENABLED_INSTRUMENTATIONS),
    disabledInstrumentations: list(env.OTEL_NODE_DISABLED_INSTRUMENTATIONS) ?? [],
    warnings: warnings(env),
    log: options.log ?? ((line) => process.stderr.write(`${line}\n`)),
  }
}

/** The longest time that Node's timers know. */
const LONGEST_MS = 2 ** 31 - 1

type Receivers = Pick<
  Config,
  'mode' | 'tracesUrl' | 'metricsUrl' | 'exportSpans' | 'tracesHeaders' | 'metricsHeaders'
>

/** Where each signal goes. The option wins over all variables; a signal's own URL is taken as it is, the common one is a base. */
function receivers(options: StartOptions, env: Env): Receivers {
  const common = keyValues(env.OTEL_EXPORTER_OTLP_HEADERS)
  const tracesHeaders = options.headers ?? { ...common, ...keyValues(env.OTEL_EXPORTER_OTLP_TRACES_HEADERS) }
  const metricsHeaders = options.headers ?? {
    ...common,
    ...keyValues(env.OTEL_EXPORTER_OTLP_METRICS_HEADERS),
  }
  const traces = options.endpoint === undefined ? env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT : undefined
  const metrics = options.endpoint === undefined ? env.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT : undefined
  const endpoint = options.endpoint ?? env.OTEL_EXPORTER_OTLP_ENDPOINT
  const recorderUrl = options.recorderUrl ?? env.THROUGHLINE_RECORDER_URL
  if (recorderUrl !== undefined && (endpoint ?? traces ?? metrics) === undefined) {
    const base = url('recorderUrl (THROUGHLINE_RECORDER_URL)', recorderUrl)
    return {
      mode: 'direct',
      tracesUrl: `${base}/v1/traces`,
      metricsUrl: undefined,
      exportSpans: false,
      tracesHeaders: { ...recorderAuthorization(options, env), ...tracesHeaders },
      metricsHeaders,
    }
  }
  const base = url('endpoint (OTEL_EXPORTER_OTLP_ENDPOINT)', endpoint ?? 'http://127.0.0.1:4318')
  const metricsUrl =
    metrics === undefined ? `${base}/v1/metrics` : url('OTEL_EXPORTER_OTLP_METRICS_ENDPOINT', metrics)
  return {
    mode: 'collector',
    tracesUrl: traces === undefined ? `${base}/v1/traces` : url('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', traces),
    metricsUrl: list(env.OTEL_METRICS_EXPORTER)?.includes('none') ? undefined : metricsUrl,
    exportSpans: !list(env.OTEL_TRACES_EXPORTER)?.includes('none'),
    tracesHeaders,
    metricsHeaders,
  }
}

function timeouts(env: Env): Pick<Config, 'tracesTimeoutMs' | 'metricsTimeoutMs'> {
  const read = (name: string, fallback: number) => whole(name, env[name], fallback, 1, LONGEST_MS)
  const common = read('OTEL_EXPORTER_OTLP_TIMEOUT', 10_000)
  return {
    tracesTimeoutMs: read('OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', common),
    metricsTimeoutMs: read('OTEL_EXPORTER_OTLP_METRICS_TIMEOUT', common),
  }
}

function warnings(env: Env): string[] {
  const found: string[] = []
  for (const name of [
    'OTEL_EXPORTER_OTLP_PROTOCOL',
    'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL',
    'OTEL_EXPORTER_OTLP_METRICS_PROTOCOL',
  ])
    if (env[name] !== undefined && env[name] !== 'http/protobuf')
      found.push(
        `${name} is '${env[name]}', but OTLP goes out as http/protobuf alone (port 4318 of a Collector)`,
      )
  if (env.OTEL_CONFIG_FILE !== undefined)
    found.push('OTEL_CONFIG_FILE is not read: options and variables are the configuration')
  return found
}

function keepSlow(value: KeepSlow | string | undefined): KeepSlow {
  if (value === undefined || value === 'p99') return 'p99'
  if (value === false || value === 'false') return false
  const ms = Number(value)
  if (typeof value === 'boolean' || !(ms >= 0) || ms === Number.POSITIVE_INFINITY)
    throw new SdkError(
      'TL_OPTION_INVALID',
      `keepSlow (THROUGHLINE_KEEP_SLOW) is '${value}': p99, a number of ms or false is needed`,
    )
  return ms
}

function optionalPort(value: number | string | undefined): number | undefined {
  if (value === undefined || value === '') return undefined
  return whole('metricsPort (THROUGHLINE_METRICS_PORT)', value, 0, 0, 65_535)
}

/** `OTEL_RESOURCE_ATTRIBUTES`: `key=value,key=value`, percent-encoded. */
export function resourceAttributes(env: Env): Record<string, string> {
  return keyValues(env.OTEL_RESOURCE_ATTRIBUTES)
}
