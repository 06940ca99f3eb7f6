import { isIPv4 } from 'node:net'
import { RecorderError } from './errors.js'
import type { LogLine } from './fault-log.js'

export type RecorderOptions = {
  /** Where the rows go, as `postgres://user:password@host:port/database`. The role owns, or may make, schema `throughline`. */
  databaseUrl: string
  /**
   * Where the schema is made and old partitions are dropped: the same database, as a role that is a member of
   * `throughline_owner`. Default: `databaseUrl`.
   */
  maintenanceUrl?: string
  /** Default `127.0.0.1`. Tokens travel in plain text: before you open it to a network, give it `tlsCert` and `tlsKey`, or put TLS before it. */
  host?: string
  /**
   * Default `required`: every request but the health check needs a bearer token, which `throughline token create` makes.
   * `off` only on a loopback address.
   */
  auth?: 'required' | 'off'
  /** How often the valid tokens are read again, in ms. Default 3,000: as long may a revoked one still work. */
  tokenRefreshMs?: number
  /** Default 4400; 0 takes a free one. */
  port?: number
  /** Records that started longer ago go to `dead_letter`. Default 90. */
  retentionDays?: number
  /**
   * How long after its copy came a record of `recordIn` that no transaction holds becomes a row `rolled_back`, in ms.
   * Default 10,000: only a `recordIn` that nobody awaited comes later than its operation's end.
   */
  rolledBackAfterMs?: number
  /** How many days after today have their partition. Default 2. */
  aheadDays?: number
  /** Connections at a time; further ones are closed at once. Default 1,000. */
  maxConnections?: number
  /** Largest body as it comes over the wire. Default 16 MiB. */
  maxBodyBytes?: number
  /** Largest body once inflated, counted while it is inflated. Default 16 MiB: four times what the Collector takes. */
  maxInflatedBytes?: number
  /** Largest body in JSON, once inflated: parsing one takes up to thirty times its size. Default 4 MiB, as the Collector. */
  maxJsonBytes?: number
  /** Spans of one request, of any scope. Default 100,000. Beyond this and the next two: 413. */
  maxSpans?: number
  /** Attributes of one span, or elements of one list. Default 100,000: one odd span must not refuse a whole request. */
  maxAttributes?: number
  /**
   * Everything of one request that becomes an object or an entry, events and attributes among them. Default 500,000: more
   * than fits into the 4 MiB of a Collector's request, at nine bytes for the shortest attribute.
   */
  maxItems?: number
  /** How deep lists and maps may lie in an attribute. Default 100. */
  maxDepth?: number
  /** Bodies, inflated, of all requests that have no answer yet. Default 32 MiB: twice the largest. Beyond it: 503. */
  maxPendingBytes?: number
  /** Records that wait for a write or are in one, before 503. Default 10,000: two writes and the next two. One request may go beyond it. */
  maxPendingRows?: number
  /** Rows of one write. Default 2,500: larger batches gain nothing and hold more memory. */
  maxRowsPerWrite?: number
  /** Writes at a time. Default 2: they saturate two cores of Postgres; four add 0 to 7 %. */
  maxWrites?: number
  /** Postgres cancels a statement after this time, in ms. Default 30,000. */
  statementTimeoutMs?: number
  /** Longest a connection to Postgres may take, in ms. Default 5,000. */
  connectTimeoutMs?: number
  /** Longest a request may take to arrive, in ms. Default 60,000. */
  requestTimeoutMs?: number
  /** Connections for what is read back, 1 to 4. Default 4: more would take the cores that the writes need. */
  maxReads?: number
  /** Postgres cancels a query of the API after this time, in ms; the answer is 504. Default 10,000. */
  queryTimeoutMs?: number
  /** The value model, a YAML file: docs/guides/value.md. Default none. */
  valueModel?: string
  /** Where the value gauges go over OTLP/HTTP every minute, as `http://127.0.0.1:4318`. Default nowhere: they stand on `/metrics/prometheus`. */
  otlpUrl?: string
  /** Base URL of Jaeger, for links. Default none. */
  jaegerUrl?: string
  /** Base URL of Prometheus, for links and health. Default none. */
  prometheusUrl?: string
  /** Where a trace is shown, with `{trace_id}` in it. Default `<jaegerUrl>/trace/{trace_id}`. */
  traceLink?: string
  /** Where the series of an operation are shown, with `{query}` (PromQL) in it. Default the graph at `prometheusUrl`. */
  seriesLink?: string
  /** The Collector's own metrics page, for health, as `http://127.0.0.1:8888/metrics`. Default none. */
  collectorUrl?: string
  /** Files with certificate chain and private key in PEM: with both it speaks HTTPS. Default none. */
  tlsCert?: string
  tlsKey?: string
  /** How often partitions are made ahead and old ones dropped, in ms. Default 3,600,000. */
  maintenanceIntervalMs?: number
  /** Longest a question for confirmation waits for Postgres, in ms. Default 5,000. */
  confirmTimeoutMs?: number
  /** Longest the health probe waits for Postgres, in ms. Default 1,000. */
  healthTimeoutMs?: number
  /** Longest `close` waits for what runs, in ms. Default 5,000. */
  closeTimeoutMs?: number
  /** Seconds in `Retry-After` of a 503. Default 1; senders add their own backoff. */
  retryAfterSeconds?: number
  /** Takes a fault, at most one of a kind in five seconds. Default: one JSON line to standard error. */
  log?: (line: LogLine) => void
}

export type Settings = Required<RecorderOptions>

const defaults: Omit<Settings, 'databaseUrl' | 'maintenanceUrl'> = {
  host: '127.0.0.1',
  port: 4400,
  auth: 'required',
  tokenRefreshMs: 3_000,
  retentionDays: 90,
  rolledBackAfterMs: 10_000,
  aheadDays: 2,
  maxConnections: 1_000,
  maxBodyBytes: 16_777_216,
  maxInflatedBytes: 16_777_216,
  maxJsonBytes: 4_194_304,
  maxSpans: 100_000,
  maxAttributes: 100_000,
  maxItems: 500_000,
  maxDepth: 100,
  maxPendingBytes: 33_554_432,
  maxPendingRows: 10_000,
  maxRowsPerWrite: 2_500,
  maxWrites: 2,
  statementTimeoutMs: 30_000,
  connectTimeoutMs: 5_000,
  requestTimeoutMs: 60_000,
  maxReads: 4,
  queryTimeoutMs: 10_000,
  valueModel: '',
  otlpUrl: '',
  jaegerUrl: '',
  prometheusUrl: '',
  traceLink: '',
  seriesLink: '',
  collectorUrl: '',
  tlsCert: '',
  tlsKey: '',
  maintenanceIntervalMs: 3_600_000,
  confirmTimeoutMs: 5_000,
  healthTimeoutMs: 1_000,
  closeTimeoutMs: 5_000,
  retryAfterSeconds: 1,
  log: (line) => void process.stderr.write(`${JSON.stringify(line)}\n`),
}

const ranges: Partial<Record<keyof Settings, readonly [number, number]>> = {
  port: [0, 65_535],
  retentionDays: [1, 3_650],
  aheadDays: [0, 30],
  maxReads: [1, 4],
}

/** The options with their defaults. Throws `TL_RECORDER_OPTION` with the name of the one that is wrong. */
export const settingsOf = (options: RecorderOptions): Settings => {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const settings: Settings = {
    ...defaults,
    databaseUrl: '',
    maintenanceUrl: options.databaseUrl,
    ...given,
  }
  for (const name of ['databaseUrl', 'maintenanceUrl'] as const)
    if (!/^postgres(?:ql)?:\/\//.test(settings[name]))
      throw new RecorderError('TL_RECORDER_OPTION', `${name} is not a URL that begins with postgres://`)
  for (const name of ['otlpUrl', 'jaegerUrl', 'prometheusUrl', 'collectorUrl'] as const)
    if (settings[name] !== '' && !/^https?:\/\/[^\s]+$/.test(settings[name]))
      throw new RecorderError(
        'TL_RECORDER_OPTION',
        `${name} is not a URL that begins with http:// or https://`,
      )
  for (const [name, place] of [
    ['traceLink', '{trace_id}'],
    ['seriesLink', '{query}'],
  ] as const)
    if (settings[name] !== '' && !(/^https?:\/\/\S+$/.test(settings[name]) && settings[name].includes(place)))
      throw new RecorderError(
        'TL_RECORDER_OPTION',
        `${name} is not a URL that begins with http:// or https:// and has ${place} in it`,
      )
  if (settings.traceLink === '' && settings.jaegerUrl !== '')
    settings.traceLink = `${settings.jaegerUrl.replace(/\/+$/, '')}/trace/{trace_id}`
  if ((settings.tlsCert === '') !== (settings.tlsKey === ''))
    throw new RecorderError('TL_RECORDER_OPTION', 'of tlsCert and tlsKey one is missing')
  if (settings.auth !== 'required' && settings.auth !== 'off')
    throw new RecorderError('TL_RECORDER_OPTION', 'auth is neither required nor off')
  if (settings.auth === 'off' && !isLoopback(settings.host))
    throw new RecorderError(
      'TL_RECORDER_OPTION',
      `auth is off and host is ${settings.host}: without tokens it may listen on a loopback address only`,
    )
  for (const [name, value] of Object.entries(settings)) {
    if (typeof value !== 'number') continue
    const [least, most] = ranges[name as keyof Settings] ?? [1, Number.MAX_SAFE_INTEGER]
    if (!Number.isInteger(value) || value < least || value > most)
      throw new RecorderError(
        'TL_RECORDER_OPTION',
        `${name} is ${value}, not a whole number from ${least} to ${most}`,
      )
  }
  return settings
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))

/** The options of the process; the variables stand in packages/recorder/README.md. */
export const optionsFromEnv = (env: NodeJS.ProcessEnv): RecorderOptions => {
  const databaseUrl = env.THROUGHLINE_DATABASE_URL
  if (!databaseUrl)
    throw new RecorderError(
      'TL_RECORDER_OPTION',
      'THROUGHLINE_DATABASE_URL is not set: where should the records go? For example postgres://user:password@127.0.0.1:5432/throughline',
    )
  const options: RecorderOptions = { databaseUrl }
  if (env.THROUGHLINE_MAINTENANCE_URL) options.maintenanceUrl = env.THROUGHLINE_MAINTENANCE_URL
  if (env.THROUGHLINE_RECORDER_HOST) options.host = env.THROUGHLINE_RECORDER_HOST
  // What it may be is checked with the other options.
  if (env.THROUGHLINE_RECORDER_AUTH) options.auth = env.THROUGHLINE_RECORDER_AUTH as 'required'
  for (const [variable, name] of Object.entries(textVariables)) {
    const text = env[variable]
    if (text) options[name] = text
  }
  for (const [variable, name] of Object.entries(numericVariables)) {
    const text = env[variable]
    if (text) options[name] = Number(text)
  }
  return options
}

const textVariables = {
  THROUGHLINE_RECORDER_VALUE_MODEL: 'valueModel',
  THROUGHLINE_RECORDER_OTLP_URL: 'otlpUrl',
  THROUGHLINE_RECORDER_JAEGER_URL: 'jaegerUrl',
  THROUGHLINE_RECORDER_PROMETHEUS_URL: 'prometheusUrl',
  THROUGHLINE_RECORDER_COLLECTOR_URL: 'collectorUrl',
  THROUGHLINE_RECORDER_TRACE_LINK: 'traceLink',
  THROUGHLINE_RECORDER_SERIES_LINK: 'seriesLink',
  THROUGHLINE_RECORDER_TLS_CERT: 'tlsCert',
  THROUGHLINE_RECORDER_TLS_KEY: 'tlsKey',
} as const satisfies Record<string, keyof RecorderOptions>

const numericVariables = {
  THROUGHLINE_RECORDER_PORT: 'port',
  THROUGHLINE_RECORDER_RETENTION_DAYS: 'retentionDays',
  THROUGHLINE_RECORDER_ROLLED_BACK_AFTER: 'rolledBackAfterMs',
  THROUGHLINE_RECORDER_MAX_BODY_BYTES: 'maxBodyBytes',
  THROUGHLINE_RECORDER_MAX_INFLATED_BYTES: 'maxInflatedBytes',
  THROUGHLINE_RECORDER_MAX_PENDING_BYTES: 'maxPendingBytes',
  THROUGHLINE_RECORDER_QUERY_TIMEOUT: 'queryTimeoutMs',
} as const satisfies Record<string, keyof RecorderOptions>
