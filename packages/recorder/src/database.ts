import { setTimeout as delay } from 'node:timers/promises'
import { createPool, ensurePartitions, migrate } from '@throughline/postgres'
import type { Pool } from 'pg'
import { faultCode, RecorderError } from './errors.js'
import type { FaultLog } from './fault-log.js'
import type { Settings } from './options.js'
import { within } from './within.js'

export type Database = {
  pool: Pool
  /** Throws `TL_DATABASE_AWAY` until the schema is there. */
  assertReady: () => void
  /** Resolves when the schema is there; never, if it is closed before. */
  whenReady: Promise<void>
  /** Resolves when a trivial query was answered in time. */
  probe: () => Promise<void>
  /** Bounded; what runs is cut when it does not end. */
  close: (timeoutMs: number) => Promise<void>
}

const firstBackoffMs = 250
const maxBackoffMs = 5_000

/**
 * - starting: migrate and make partitions; after a failure, whatever it is, again with backoff, since a database that
 *   is still coming up gives many errors. Requests are answered 503.
 * - ready: Postgres may go and come: each write tells for itself.
 * - closed: no more attempts, the pool is ended.
 */
export const openDatabase = (settings: Settings, log: FaultLog): Database => {
  const pool = createPool(settings.databaseUrl, {
    // Writes, the rollups, and two for what is asked in between: health, tokens, confirmation, maintenance.
    maxConnections: settings.maxWrites + 3,
    connectTimeoutMs: settings.connectTimeoutMs,
    statementTimeoutMs: settings.statementTimeoutMs,
    applicationName: 'throughline recorder',
    onIdleError: (error) => log('connection', error.message),
  })
  const closing = new AbortController()
  const becameReady = Promise.withResolvers<void>()
  let ready = false
  let fault: unknown
  let probing: Promise<unknown> | undefined

  const start = async (): Promise<void> => {
    for (
      let backoffMs = firstBackoffMs;
      !closing.signal.aborted;
      backoffMs = Math.min(backoffMs * 2, maxBackoffMs)
    ) {
      try {
        await migrate(settings.maintenanceUrl, { connectTimeoutMs: settings.connectTimeoutMs })
        await ensurePartitions(pool, { aheadDays: settings.aheadDays })
        ready = true
        becameReady.resolve()
        return
      } catch (error) {
        fault = error
        if (!closing.signal.aborted) log('start', `the schema cannot be made yet: ${messageOf(error)}`)
      }
      // Half of it by chance, so that several recorders do not come back in step.
      await delay(backoffMs * (0.5 + Math.random() / 2), undefined, { signal: closing.signal }).catch(
        () => {},
      )
    }
  }
  const started = start()

  const assertReady = (): void => {
    if (ready) return
    const reason = fault === undefined ? 'starting' : faultCode(fault)
    throw new RecorderError('TL_DATABASE_AWAY', `the database is not there yet (${reason})`, { cause: fault })
  }

  return {
    pool,
    whenReady: becameReady.promise,
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
      closing.abort()
      await within(Promise.all([started, pool.end()]), timeoutMs).catch(() => {})
    },
  }
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message || faultCode(error) : String(error)
