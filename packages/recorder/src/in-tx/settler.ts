import { createPool, type OperationRow, type Writer } from '@throughline/postgres'
import { settleInTx } from '@throughline/postgres/in-tx'
import type { Counters } from '../counters.js'
import type { Database } from '../database.js'
import { RecorderError } from '../errors.js'
import type { FaultLog } from '../fault-log.js'
import type { Settings } from '../options.js'

export type Settler = {
  /** Copies were stored: look at them now. */
  wake: () => void
  /** Resolves when what runs has ended. */
  close: () => Promise<void>
}

/** Copies that another recorder left when it died are found after so long. */
const idleMs = 5_000
/** A copy that is due but in another recorder's hands is not asked for without a pause. */
const leastMs = 50

/**
 * Settles the copies of records that went into a caller's transaction, on a connection of its own: a key that such a
 * transaction holds makes nobody else wait.
 *
 * - waiting: a timer runs, to when the next copy is due, at most `idleMs`. `wake` ends it at once.
 * - settling: one call at a time; woken meanwhile it looks once more.
 * - a fault (the database is away) is logged, and it waits `idleMs`: the copies are in Postgres and stay there.
 * - closed: no timer, no call; the connection is ended.
 */
export const createSettler = (
  settings: Settings,
  database: Database,
  counters: Counters,
  log: FaultLog,
): Settler => {
  const pool = createPool(settings.databaseUrl, {
    maxConnections: 1,
    connectTimeoutMs: settings.connectTimeoutMs,
    statementTimeoutMs: settings.statementTimeoutMs,
    applicationName: 'throughline recorder in_tx',
    onIdleError: (error) => log('connection', error.message),
  })
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let woken = false
  let closed = false

  const settle = async (): Promise<number> => {
    database.assertReady()
    const settled = await settleInTx(pool, { rolledBackAfterMs: settings.rolledBackAfterMs })
    counters.count('throughline.recorder.duplicates', settled.duplicates)
    counters.count('throughline.recorder.rolled_back', settled.rolledBack)
    counters.count('throughline.recorder.dead_letters', settled.parked)
    return settled.nextMs === undefined ? idleMs : Math.min(idleMs, Math.max(leastMs, settled.nextMs))
  }

  const look = async (): Promise<void> => {
    let pauseMs = idleMs
    do {
      woken = false
      try {
        pauseMs = await settle()
      } catch (error) {
        pauseMs = idleMs
        // That the schema is not there yet is said by whoever makes it.
        if (!closed && !(error instanceof RecorderError))
          log('in_tx', `copies of recordIn cannot be settled yet: ${messageOf(error)}`)
      }
    } while (woken && !closed)
    running = undefined
    if (!closed) timer = setTimeout(start, pauseMs).unref()
  }

  const start = (): void => {
    clearTimeout(timer)
    woken = true
    if (!closed) running ??= look()
  }
  timer = setTimeout(start, leastMs).unref()

  return {
    wake: start,
    async close() {
      closed = true
      clearTimeout(timer)
      await running
      await pool.end()
    },
  }
}

/** The writer, which tells when it has stored copies. */
export const wakingWriter = (writer: Writer, wake: () => void): Writer => ({
  async write(rows, ...rest) {
    const result = await writer.write(rows, ...rest)
    if (rows.some(isCopy)) wake()
    return result
  },
})

const isCopy = (row: OperationRow): boolean => row.inTx === true

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
