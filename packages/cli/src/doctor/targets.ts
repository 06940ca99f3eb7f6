import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { roleOfSecret } from '@throughline/postgres/tokens'
import type { Profile } from '../stack/collector.js'
import { type RunningStack, tokenOf } from '../stack/handover.js'

/** Places that were named on the command line. */
export interface Named {
  readonly otlp?: string | undefined
  readonly recorder?: string | undefined
  /** A secret. */
  readonly token?: string | undefined
  readonly jaeger?: string | undefined
  readonly prometheus?: string | undefined
  readonly cloudwatch?: string | undefined
  /** The Collector's metrics page. */
  readonly collectorMetrics?: string | undefined
  readonly spool?: string | undefined
}

/** Where everything is: as named, else by the variables of the service, of the Collector and of the recorder, else in the stack that runs here. */
export interface Targets {
  /** `direct`: without a Collector, records go to the recorder and metrics nowhere. */
  readonly mode: 'collector' | 'direct'
  readonly tracesUrl: string
  readonly metricsUrl: string
  readonly tracesHeaders: Record<string, string>
  readonly metricsHeaders: Record<string, string>
  /** `sure`: somebody named it; else it is where it usually is. */
  readonly collectorMetrics: { readonly url: string; readonly sure: boolean }
  readonly recorderUrl: string
  /** A secret, for reading. */
  readonly readToken: string | undefined
  readonly jaeger: string | undefined
  readonly prometheus: string | undefined
  readonly cloudwatch: string | undefined
  /** Undefined: the Collector's page tells which stores it knows. */
  readonly profile: Profile | undefined
  readonly spoolDir: string
  /** Folder of the Collector's queues; looked at if it is on this machine. */
  readonly collectorStorage: string
  readonly stack: RunningStack | undefined
}

type Env = Record<string, string | undefined>

const usual = { otlp: 'http://127.0.0.1:4318', recorder: 'http://127.0.0.1:4400' }

export function findTargets(named: Named, environment: Env, stack: RunningStack | undefined): Targets {
  const env = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const part = (name: string, url = name) => (stack?.parts.includes(name) ? stack.urls[url] : undefined)
  const recorderUrl = base(
    named.recorder ?? env.THROUGHLINE_RECORDER_URL ?? part('recorder') ?? usual.recorder,
  )
  const readToken = readTokenOf(named, env, stack, recorderUrl)
  return {
    ...wayOut(named, env, stack, recorderUrl),
    recorderUrl,
    readToken,
    collectorMetrics: collectorMetricsOf(named, env, part('collector', 'collectorMetrics')),
    jaeger: named.jaeger ?? env.THROUGHLINE_RECORDER_JAEGER_URL ?? part('jaeger'),
    prometheus:
      named.prometheus ??
      env.THROUGHLINE_RECORDER_PROMETHEUS_URL ??
      env.THROUGHLINE_PROMETHEUS_URL ??
      part('prometheus'),
    cloudwatch: named.cloudwatch ?? env.THROUGHLINE_CLOUDWATCH_URL ?? part('cloudwatch'),
    profile: stack?.profile,
    spoolDir:
      named.spool ??
      env.THROUGHLINE_SPOOL_DIR ??
      (stack === undefined
        ? join(tmpdir(), `throughline-spool-${process.getuid?.() ?? 0}`)
        : join(stack.dir, 'spool')),
    collectorStorage:
      env.THROUGHLINE_COLLECTOR_STORAGE ??
      (stack === undefined ? '/var/lib/throughline/collector' : join(stack.dir, 'collector')),
    stack,
  }
}

type WayOut = Pick<Targets, 'mode' | 'tracesUrl' | 'metricsUrl' | 'tracesHeaders' | 'metricsHeaders'>

/** As the SDK finds its way: a signal's own URL is taken as it is, the common one is a base; a recorder alone is direct mode. */
function wayOut(named: Named, env: Env, stack: RunningStack | undefined, recorderUrl: string): WayOut {
  const common = keyValues(env.OTEL_EXPORTER_OTLP_HEADERS)
  const headers = {
    tracesHeaders: { ...common, ...keyValues(env.OTEL_EXPORTER_OTLP_TRACES_HEADERS) },
    metricsHeaders: { ...common, ...keyValues(env.OTEL_EXPORTER_OTLP_METRICS_HEADERS) },
  }
  const given = named.otlp ?? env.OTEL_EXPORTER_OTLP_ENDPOINT
  const traces = named.otlp === undefined ? env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT : undefined
  const metrics = named.otlp === undefined ? env.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT : undefined
  const somewhere = (given ?? traces ?? metrics) !== undefined
  const stackHasCollector = stack?.parts.includes('collector') === true
  const direct =
    env.THROUGHLINE_RECORDER_URL !== undefined ||
    (stack?.parts.includes('recorder') === true && !stackHasCollector)
  if (!somewhere && direct)
    return {
      mode: 'direct',
      tracesUrl: `${recorderUrl}/v1/traces`,
      metricsUrl: '',
      ...headers,
      tracesHeaders: { ...ingestHeader(env, stack, recorderUrl), ...headers.tracesHeaders },
    }
  const endpoint = base(given ?? (stackHasCollector ? stack.urls.otlp : undefined) ?? usual.otlp)
  return {
    mode: 'collector',
    tracesUrl: traces ?? `${endpoint}/v1/traces`,
    metricsUrl: metrics ?? `${endpoint}/v1/metrics`,
    ...headers,
  }
}

function ingestHeader(
  env: Env,
  stack: RunningStack | undefined,
  recorderUrl: string,
): Record<string, string> {
  const token = env.THROUGHLINE_RECORDER_TOKEN ?? stackToken(stack, recorderUrl, 'ingest')
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

/**
 * A service's own `THROUGHLINE_RECORDER_TOKEN` may only send; it is the last resort, so that its role is said. The stack's token goes to the
 * stack's recorder alone.
 */
function readTokenOf(
  named: Named,
  env: Env,
  stack: RunningStack | undefined,
  recorderUrl: string,
): string | undefined {
  if (named.token !== undefined) return named.token
  const own = env.THROUGHLINE_RECORDER_TOKEN
  if (own !== undefined && roleOfSecret(own) !== 'ingest') return own
  return stackToken(stack, recorderUrl, 'read') ?? own
}

function stackToken(
  stack: RunningStack | undefined,
  recorderUrl: string,
  role: 'ingest' | 'read',
): string | undefined {
  return stack !== undefined && stack.urls.recorder === recorderUrl ? tokenOf(stack.dir, role) : undefined
}

function collectorMetricsOf(
  named: Named,
  env: Env,
  ofStack: string | undefined,
): Targets['collectorMetrics'] {
  const { THROUGHLINE_COLLECTOR_METRICS_HOST: host, THROUGHLINE_COLLECTOR_METRICS_PORT: port } = env
  const own =
    host === undefined && port === undefined
      ? undefined
      : `http://${host ?? '127.0.0.1'}:${port ?? 8888}/metrics`
  const url = named.collectorMetrics ?? env.THROUGHLINE_RECORDER_COLLECTOR_URL ?? own ?? ofStack
  return { url: url ?? 'http://127.0.0.1:8888/metrics', sure: url !== undefined }
}

const base = (url: string): string => url.replace(/\/+$/, '')

/** `key=value,key=value`, percent-encoded. */
function keyValues(text: string | undefined): Record<string, string> {
  const pairs = (text ?? '').split(',').map((pair) => pair.split(/=(.*)/s, 2))
  return Object.fromEntries(
    pairs
      .filter(([key]) => key!.trim() !== '')
      .map(([key, value = '']) => [key!.trim(), decoded(value.trim())]),
  )
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
