import { setTimeout as delay } from 'node:timers/promises'
import { createPool, ensurePartitions, migrate } from '@throughline/postgres'
import type { Pool } from 'pg'
import { faultCode, RecorderError } from './errors.js'
import type { FaultLog } from './fault-log.js'
import type { Settings } from './options.js'

export type Database = {
  pool: Pool
  /** Throws `TL_DATABASE_AWAY` until the schema is there. */
  assertReady: () => void
  /** Resolves when a trivial query was answered in time. */
  probe: () => Promise<void>
  /** Bounded; what runs is cut when it does not end. */
  close: (timeoutMs: number) => Promise<void>
}

const partitionIntervalMs = 3_600_000
const firstBackoffMs = 250
const maxBackoffMs = 5_000

/**
 * - starting: migrate and make partitions; after a failure, whatever it is, again with backoff, since a database that
 *   is still coming up gives many errors. Requests are answered 503.
 * - ready: partitions are made every hour. Postgres may go and come: each write tells for itself.
 * - closed: no more attempts, the pool is ended.
 */
export const openDatabase = (settings: Settings, log: FaultLog): Database => {
  const pool = createPool(settings.databaseUrl, {
    maxConnections: settings.maxWrites + 2,
    connectTimeoutMs: settings.connectTimeoutMs,
    statementTimeoutMs: settings.statementTimeoutMs,
    applicationName: 'throughline recorder',
    onIdleError: (error) => log('connection', error.message),
  })
  const closing = new AbortController()
  let ready = false
  let fault = 'starting'
  let probing: Promise<unknown> | undefined

  const start = async (): Promise<void> => {
    for (
      let backoffMs = firstBackoffMs;
      !closing.signal.aborted;
      backoffMs = Math.min(backoffMs * 2, maxBackoffMs)
    ) {
      try {
        await migrate(settings.databaseUrl, { connectTimeoutMs: settings.connectTimeoutMs })
        await ensurePartitions(pool, { aheadDays: settings.aheadDays })
        ready = true
        return
      } catch (error) {
        fault = faultCode(error)
        if (!closing.signal.aborted) log('start', `the schema cannot be made yet: ${messageOf(error)}`)
      }
      // Half of it by chance, so that several recorders do not come back in step.
      await delay(backoffMs * (0.5 + Math.random() / 2), undefined, { signal: closing.signal }).catch(
        () => {},
      )
    }
  }
  const started = start()

  const timer = setInterval(() => {
    if (!ready) return
    ensurePartitions(pool, { aheadDays: settings.aheadDays }).catch((error: unknown) =>
      log('partitions', `tomorrow's partitions cannot be made yet: ${messageOf(error)}`),
    )
  }, partitionIntervalMs)
  timer.unref()

  const assertReady = (): void => {
    if (!ready) throw new RecorderError('TL_DATABASE_AWAY', `the database is not there yet (${fault})`)
  }

  return {
    pool,
    assertReady,
    async probe() {
      assertReady()
      // One probe at a time: with a Postgres that hangs, each would hold a connection.
      probing ??= pool.query('SELECT 1').finally(() => {
        probing = undefined
      })
      await within(probing, settings.healthTimeoutMs)
    },
    async close(timeoutMs) {
      clearInterval(timer)
      closing.abort()
      await within(Promise.all([started, pool.end()]), timeoutMs).catch(() => {})
    },
  }
}

/** The outcome of `work`, or `TL_DATABASE_AWAY` when it is not there in time. */
const within = async (work: Promise<unknown>, timeoutMs: number): Promise<void> => {
  const timeout = new AbortController()
  const late = delay(timeoutMs, undefined, { signal: timeout.signal, ref: false }).then(() => {
    throw new RecorderError('TL_DATABASE_AWAY', `no answer within ${timeoutMs} ms`)
  })
  late.catch(() => {})
  try {
    await Promise.race([work, late])
  } finally {
    timeout.abort()
  }
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message || faultCode(error) : String(error)
