import { RecorderError } from './errors.js'
import type { LogLine } from './fault-log.js'

export type RecorderOptions = {
  /** Where the rows go, as `postgres://user:password@host:port/database`. The role owns, or may make, schema `throughline`. */
  databaseUrl: string
  /** Default `127.0.0.1`. There is no authentication yet: open it only to a network you trust. */
  host?: string
  /** Default 4400; 0 takes a free one. */
  port?: number
  /** Records that started longer ago go to `dead_letter`. Default 90. */
  retentionDays?: number
  /** How many days after today have their partition. Default 2. */
  aheadDays?: number
  /** Largest body as it comes over the wire. Default 16 MiB. */
  maxBodyBytes?: number
  /** Largest body once inflated, counted while it is inflated. Default 16 MiB: four times what the Collector takes. */
  maxInflatedBytes?: number
  /** Spans of one request, of any scope. Default 100,000. Beyond this and the next two: 413. */
  maxSpans?: number
  /** Attributes of one span, or elements of one list. Default 100,000: one odd span must not refuse a whole request. */
  maxAttributes?: number
  /** How deep lists and maps may lie in an attribute. Default 100. */
  maxDepth?: number
  /** Bodies, inflated, of all requests that have no answer yet. Default 64 MiB. Beyond it: 503. */
  maxPendingBytes?: number
  /** Records of all requests that wait for a write. Default 100,000. Beyond it: 503. */
  maxPendingRows?: number
  /** Rows of one write. Default 5,000: larger batches gain nothing. */
  maxRowsPerWrite?: number
  /** Writes at a time. Default 2: they saturate two cores of Postgres; four add 0 to 7 %. */
  maxWrites?: number
  /** Postgres cancels a statement after this time, in ms. Default 30,000. */
  statementTimeoutMs?: number
  /** Longest a connection to Postgres may take, in ms. Default 5,000. */
  connectTimeoutMs?: number
  /** Longest a request may take to arrive, in ms. Default 60,000. */
  requestTimeoutMs?: number
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

const defaults: Omit<Settings, 'databaseUrl'> = {
  host: '127.0.0.1',
  port: 4400,
  retentionDays: 90,
  aheadDays: 2,
  maxBodyBytes: 16_777_216,
  maxInflatedBytes: 16_777_216,
  maxSpans: 100_000,
  maxAttributes: 100_000,
  maxDepth: 100,
  maxPendingBytes: 67_108_864,
  maxPendingRows: 100_000,
  maxRowsPerWrite: 5_000,
  maxWrites: 2,
  statementTimeoutMs: 30_000,
  connectTimeoutMs: 5_000,
  requestTimeoutMs: 60_000,
  healthTimeoutMs: 1_000,
  closeTimeoutMs: 5_000,
  retryAfterSeconds: 1,
  log: (line) => void process.stderr.write(`${JSON.stringify(line)}\n`),
}

const ranges: Partial<Record<keyof Settings, readonly [number, number]>> = {
  port: [0, 65_535],
  retentionDays: [1, 3_650],
  aheadDays: [0, 30],
}

/** The options with their defaults. Throws `TL_RECORDER_OPTION` with the name of the one that is wrong. */
export const settingsOf = (options: RecorderOptions): Settings => {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const settings: Settings = { ...defaults, databaseUrl: '', ...given }
  if (!/^postgres(?:ql)?:\/\//.test(settings.databaseUrl))
    throw new RecorderError('TL_RECORDER_OPTION', 'databaseUrl is not a URL that begins with postgres://')
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

/** The options of the process; the variables stand in packages/recorder/README.md. */
export const optionsFromEnv = (env: NodeJS.ProcessEnv): RecorderOptions => {
  const databaseUrl = env.THROUGHLINE_DATABASE_URL
  if (!databaseUrl)
    throw new RecorderError(
      'TL_RECORDER_OPTION',
      'THROUGHLINE_DATABASE_URL is not set: where should the records go? For example postgres://user:password@127.0.0.1:5432/throughline',
    )
  const options: RecorderOptions = { databaseUrl }
  if (env.THROUGHLINE_RECORDER_HOST) options.host = env.THROUGHLINE_RECORDER_HOST
  for (const [variable, name] of Object.entries(numericVariables)) {
    const text = env[variable]
    if (text) options[name] = Number(text)
  }
  return options
}

const numericVariables = {
  THROUGHLINE_RECORDER_PORT: 'port',
  THROUGHLINE_RECORDER_RETENTION_DAYS: 'retentionDays',
  THROUGHLINE_RECORDER_MAX_BODY_BYTES: 'maxBodyBytes',
  THROUGHLINE_RECORDER_MAX_INFLATED_BYTES: 'maxInflatedBytes',
  THROUGHLINE_RECORDER_MAX_PENDING_BYTES: 'maxPendingBytes',
} as const satisfies Record<string, keyof RecorderOptions>
