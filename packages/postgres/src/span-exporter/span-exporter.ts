import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import { isRetryable, PostgresError } from '../errors.js'
import type { DeadLetter, OperationRow } from '../operation-row.js'
import { createPool } from '../pool.js'
import { toOperationRow } from '../span-row/to-operation-row.js'
import { createWriter, type Writer } from '../writer.js'
import { attributesOf, type FinishedSpan, toRecordSpan } from './finished-span.js'

export type { FinishedSpan } from './finished-span.js'

interface SpanExporterOptions {
  /** `postgres://user:password@host:port/database`; `migrate` has made the schema there. Either this or `pool`. */
  databaseUrl?: string
  /** A pool of the application's, which stays open at `shutdown`. */
  pool?: Pool
  /** Which spans are records. Default: those of the scope `throughline.operations`. */
  isRecord?: (span: FinishedSpan) => boolean
  /** How long a batch is repeated while Postgres is away, in ms. Default 10,000, a third of what a BatchSpanProcessor allows. */
  retryForMs?: number
  /** Records that started longer ago go to `dead_letter`. Default 90. */
  retentionDays?: number
}

/** As OpenTelemetry's `ExportResult`: 0 is success, 1 failure. */
interface Result {
  code: 0 | 1
  error?: Error
}

const firstBackoffMs = 100
const maxBackoffMs = 2_000

/**
 * An OpenTelemetry `SpanExporter` that writes records to Postgres, for a set-up without Collector and recorder.
 *
 * It is best effort. What a process holds when it dies is lost, as is what a span processor drops, what its sampler leaves out, and a
 * batch while Postgres is away for longer than `retryForMs`. Nothing is stored twice. For every completed operation exactly once take the
 * SDK and the recorder. Records of `recordIn` are left to their transaction.
 */
export class PostgresSpanExporter {
  readonly #pool: Pool
  readonly #ownsPool: boolean
  readonly #writer: Writer
  readonly #isRecord: (span: FinishedSpan) => boolean
  readonly #retryForMs: number
  readonly #running = new Set<Promise<void>>()
  readonly #stopping = new AbortController()
  #lost = 0

  /** @throws PostgresError `TL_POSTGRES_OPTION` */
  constructor(options: SpanExporterOptions) {
    if ((options.databaseUrl === undefined) === (options.pool === undefined))
      throw new PostgresError(
        'TL_POSTGRES_OPTION',
        'PostgresSpanExporter takes databaseUrl or pool, one of them',
      )
    this.#pool =
      options.pool ??
      createPool(options.databaseUrl ?? '', {
        maxConnections: 2,
        applicationName: 'throughline span exporter',
      })
    this.#ownsPool = options.pool === undefined
    const { retentionDays } = options
    this.#writer = createWriter(this.#pool, retentionDays === undefined ? {} : { retentionDays })
    this.#isRecord =
      options.isRecord ?? ((span) => span.instrumentationScope.name === 'throughline.operations')
    this.#retryForMs = options.retryForMs ?? 10_000
  }

  /** Records that could not be stored since the start. Each batch of them is also a failed export, which OpenTelemetry reports. */
  get lost(): number {
    return this.#lost
  }

  /** Calls back when the records among the spans are committed, or given up. */
  export(spans: readonly FinishedSpan[], done: (result: Result) => void): void {
    const work = this.#export(spans).then(done)
    this.#running.add(work)
    // An error is the callback's: it is for whoever gave it.
    void work.finally(() => this.#running.delete(work)).catch(() => {})
  }

  /** Resolves when what was given to `export` has been called back. */
  async forceFlush(): Promise<void> {
    await Promise.allSettled(this.#running)
  }

  /** Tries once more what is being repeated, then ends. */
  async shutdown(): Promise<void> {
    this.#stopping.abort()
    await this.forceFlush()
    if (this.#ownsPool && !this.#pool.ended) await this.#pool.end()
  }

  async #export(spans: readonly FinishedSpan[]): Promise<Result> {
    const { rows, rejected } = recordsOf(spans.filter((span) => this.#isRecord(span)))
    if (rows.length + rejected.length === 0) return { code: 0 }
    try {
      await this.#store(rows, rejected)
      return { code: 0 }
    } catch (error) {
      this.#lost += rows.length + rejected.length
      const message = `${rows.length + rejected.length} records are lost, Postgres did not take them: ${messageOf(error)}`
      return { code: 1, error: new Error(message, { cause: error }) }
    }
  }

  async #store(rows: readonly OperationRow[], rejected: readonly DeadLetter[]): Promise<void> {
    const deadline = performance.now() + this.#retryForMs
    for (let backoffMs = firstBackoffMs; ; backoffMs = Math.min(backoffMs * 2, maxBackoffMs)) {
      const last = this.#stopping.signal.aborted
      try {
        await this.#writer.write(rows, rejected)
        return
      } catch (error) {
        if (last || !isRetryable(error) || performance.now() + backoffMs > deadline) throw error
      }
      await delay(backoffMs, undefined, { signal: this.#stopping.signal }).catch(() => {})
    }
  }
}

const recordsOf = (spans: readonly FinishedSpan[]): { rows: OperationRow[]; rejected: DeadLetter[] } => {
  const rows: OperationRow[] = []
  const rejected: DeadLetter[] = []
  for (const span of spans) {
    const mapped = toOperationRow(toRecordSpan(span), attributesOf(span.resource.attributes))
    if (mapped.row === undefined) rejected.push(mapped.letter)
    else if (mapped.row.inTx !== true) rows.push(mapped.row)
  }
  return { rows, rejected }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
