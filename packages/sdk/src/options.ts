import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { Instrumentation } from '@opentelemetry/instrumentation'
import type { Sampler } from '@opentelemetry/sdk-trace'
import { SdkError } from './errors.js'

/** What `start` takes. Each option has an environment variable; the option wins. */
export interface StartOptions {
  /** `OTEL_SERVICE_NAME`. Default `unknown_service`. */
  serviceName?: string
  /** `service.version`, also from `OTEL_RESOURCE_ATTRIBUTES`. */
  serviceVersion?: string
  /** Base URL of the Collector's OTLP/HTTP receiver, `OTEL_EXPORTER_OTLP_ENDPOINT`. Default `http://127.0.0.1:4318`. */
  endpoint?: string
  /**
   * Base URL of a recorder, `THROUGHLINE_RECORDER_URL`. Without an endpoint this is direct mode: records go to the recorder, metrics stand
   * on the metrics page, spans that are no operations are not exported.
   */
  recorderUrl?: string
  /** Further headers of every request to the Collector or recorder, `OTEL_EXPORTER_OTLP_HEADERS`. Never logged. */
  headers?: Record<string, string>
  /** Folder of the spool, `THROUGHLINE_SPOOL_DIR`. Default: `throughline-spool-<uid>` in the system's folder for temporary files. */
  spoolDir?: string
  /** Disk the spool may take, in bytes, `THROUGHLINE_SPOOL_MAX_BYTES`. Beyond it the newest records are refused and counted. Default 2 GiB. */
  spoolMaxBytes?: number
  /** `process` (default): a record is written before the call returns, and survives the process. `memory`: it does not. `THROUGHLINE_DURABILITY`. */
  durability?: 'process' | 'memory'
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
  /** Instrumentations beside http and undici, which are always on. */
  instrumentations?: Instrumentation[]
  /** Where the status line and each warning go. Default: one line each to stderr. */
  log?: (line: string) => void
}

/** Options and environment together, checked. */
export interface Config {
  readonly serviceName: string
  readonly serviceVersion: string | undefined
  readonly mode: 'collector' | 'direct'
  readonly tracesUrl: string
  readonly metricsUrl: string | undefined
  readonly headers: Record<string, string>
  readonly spoolDir: string
  readonly spoolMaxBytes: number
  readonly durability: 'process' | 'memory'
  readonly metricsPort: number | undefined
  readonly metricsHost: string
  readonly metricsIntervalMs: number
  readonly shutdownTimeoutMs: number
  readonly sampler: Sampler | undefined
  readonly instrumentations: Instrumentation[]
  readonly log: (line: string) => void
}

type Env = Record<string, string | undefined>

/** @throws SdkError `TL_OPTION_INVALID` naming the option, its variable and what it may be. */
export function readConfig(options: StartOptions = {}, environment: Env = process.env): Config {
  const env = withoutEmpty(environment)
  const endpoint = options.endpoint ?? env.OTEL_EXPORTER_OTLP_ENDPOINT
  const recorderUrl = options.recorderUrl ?? env.THROUGHLINE_RECORDER_URL
  const direct = endpoint === undefined && recorderUrl !== undefined
  const base = direct
    ? url('recorderUrl (THROUGHLINE_RECORDER_URL)', recorderUrl)
    : url('endpoint (OTEL_EXPORTER_OTLP_ENDPOINT)', endpoint ?? 'http://127.0.0.1:4318')
  const resource = resourceAttributes(env)
  return {
    serviceName:
      options.serviceName ?? env.OTEL_SERVICE_NAME ?? resource['service.name'] ?? 'unknown_service',
    serviceVersion: options.serviceVersion ?? resource['service.version'],
    mode: direct ? 'direct' : 'collector',
    tracesUrl: `${base}/v1/traces`,
    metricsUrl: direct ? undefined : `${base}/v1/metrics`,
    headers: options.headers ?? keyValues(env.OTEL_EXPORTER_OTLP_HEADERS),
    spoolDir:
      options.spoolDir ?? env.THROUGHLINE_SPOOL_DIR ?? join(tmpdir(), `throughline-spool-${userInfo().uid}`),
    spoolMaxBytes: whole(
      'spoolMaxBytes (THROUGHLINE_SPOOL_MAX_BYTES)',
      options.spoolMaxBytes ?? env.THROUGHLINE_SPOOL_MAX_BYTES,
      2 ** 31,
      2 ** 20,
      2 ** 50,
    ),
    durability: oneOf(
      'durability (THROUGHLINE_DURABILITY)',
      options.durability ?? env.THROUGHLINE_DURABILITY,
      ['process', 'memory'],
    ),
    metricsPort: optionalPort(options.metricsPort ?? env.THROUGHLINE_METRICS_PORT),
    metricsHost: options.metricsHost ?? env.THROUGHLINE_METRICS_HOST ?? '127.0.0.1',
    metricsIntervalMs: whole(
      'metricsIntervalMs (OTEL_METRIC_EXPORT_INTERVAL)',
      options.metricsIntervalMs ?? env.OTEL_METRIC_EXPORT_INTERVAL,
      10_000,
      100,
      2 ** 31 - 1,
    ),
    shutdownTimeoutMs: whole(
      'shutdownTimeoutMs (THROUGHLINE_SHUTDOWN_TIMEOUT)',
      options.shutdownTimeoutMs ?? env.THROUGHLINE_SHUTDOWN_TIMEOUT,
      3_000,
      0,
      600_000,
    ),
    sampler: options.sampler,
    instrumentations: options.instrumentations ?? [],
    log: options.log ?? ((line) => process.stderr.write(`${line}\n`)),
  }
}

/** OpenTelemetry's rule: a variable that is set to nothing is not set. */
function withoutEmpty(env: Env): Env {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
}

function url(what: string, value: string): string {
  let parsed: URL | undefined
  try {
    parsed = new URL(value)
  } catch {
    // said below, together with a wrong protocol
  }
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) {
    throw new SdkError(
      'TL_OPTION_INVALID',
      `${what} is '${value}': an http or https URL such as http://127.0.0.1:4318 is needed`,
    )
  }
  // The URL is said in the status line and in warnings.
  if (parsed.username !== '' || parsed.password !== '')
    throw new SdkError(
      'TL_OPTION_INVALID',
      `${what} carries a user name or password: headers (OTEL_EXPORTER_OTLP_HEADERS) is the place for them`,
    )
  return value.replace(/\/+$/, '')
}

function whole(
  what: string,
  value: number | string | undefined,
  fallback: number,
  least: number,
  most: number,
): number {
  if (value === undefined || value === '') return fallback
  const number = Number(value)
  if (!Number.isInteger(number) || number < least || number > most) {
    throw new SdkError(
      'TL_OPTION_INVALID',
      `${what} is '${value}': a whole number from ${least} to ${most} is needed`,
    )
  }
  return number
}

function optionalPort(value: number | string | undefined): number | undefined {
  if (value === undefined || value === '') return undefined
  return whole('metricsPort (THROUGHLINE_METRICS_PORT)', value, 0, 0, 65_535)
}

function oneOf<T extends string>(what: string, value: string | undefined, allowed: readonly [T, ...T[]]): T {
  if (value === undefined || value === '') return allowed[0]
  const found = allowed.find((candidate) => candidate === value)
  if (found === undefined)
    throw new SdkError('TL_OPTION_INVALID', `${what} is '${value}': one of ${allowed.join(', ')} is needed`)
  return found
}

/** `OTEL_RESOURCE_ATTRIBUTES`: `key=value,key=value`, percent-encoded. */
export function resourceAttributes(env: Env): Record<string, string> {
  return keyValues(env.OTEL_RESOURCE_ATTRIBUTES)
}

function keyValues(text: string | undefined): Record<string, string> {
  const result: Record<string, string> = {}
  for (const pair of (text ?? '').split(',')) {
    const at = pair.indexOf('=')
    if (at > 0) result[pair.slice(0, at).trim()] = decode(pair.slice(at + 1).trim())
  }
  return result
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
