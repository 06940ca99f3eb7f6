import { ensurePartitions } from '@throughline/postgres'
import { applyRetention, mergeDelivered } from '@throughline/postgres/maintenance'
import type { Database } from './database.js'
import { faultCode } from './errors.js'
import type { FaultLog } from './fault-log.js'
import type { Settings } from './options.js'

/** What the last run did, for `GET /v1/status`. */
export type MaintenanceReport = {
  at: string
  /** Days whose partitions were made. */
  created: string[]
  /** Days whose partitions were dropped. */
  dropped: string[]
  /** Rows of `delivered` that were joined with others. */
  merged: number
  /** What did not work, by step; it is tried again in the next run. */
  faults: string[]
}

export type Maintenance = {
  last: () => MaintenanceReport | undefined
  stop: () => Promise<void>
}

// Soon enough for a recorder that never lives for an hour, late enough to be out of the way of a start.
const firstDelayMs = 60_000

/**
 * Every hour (`maintenanceIntervalMs`), each step by itself: partitions ahead, joining what was delivered, dropping
 * what is beyond the retention. Several recorders may run it at once: each step is safe, and the dear ones are done by
 * one of them. What fails is said and waits for the next run. The time varies by a tenth, so that recorders that were
 * started together do not come together.
 */
export const startMaintenance = (settings: Settings, database: Database, log: FaultLog): Maintenance => {
  let last: MaintenanceReport | undefined
  let running: Promise<void> | undefined
  let stopped = false
  let timer: NodeJS.Timeout | undefined

  const run = async (): Promise<void> => {
    const report: MaintenanceReport = {
      at: new Date().toISOString(),
      created: [],
      dropped: [],
      merged: 0,
      faults: [],
    }
    const step = async (name: string, work: () => Promise<void>): Promise<void> => {
      if (stopped) return
      try {
        await work()
      } catch (error) {
        report.faults.push(`${name}: ${faultCode(error)}`)
        if (!stopped)
          log(name, `${name} waits for the next run: ${error instanceof Error ? error.message : error}`)
      }
    }
    await step('partitions', async () => {
      report.created = await ensurePartitions(database.pool, { aheadDays: settings.aheadDays })
    })
    await step('merge', async () => {
      report.merged = await mergeDelivered(database.pool)
    })
    await step('retention', async () => {
      const { dropped } = await applyRetention(settings.maintenanceUrl, {
        retentionDays: settings.retentionDays,
        connectTimeoutMs: settings.connectTimeoutMs,
      })
      report.dropped = dropped
    })
    last = report
  }

  const plan = (delayMs: number): void => {
    if (stopped) return
    timer = setTimeout(
      () => {
        running = run().finally(() => {
          running = undefined
          plan(settings.maintenanceIntervalMs)
        })
      },
      delayMs * (0.9 + Math.random() / 5),
    )
    timer.unref()
  }
  void database.whenReady.then(() => plan(Math.min(firstDelayMs, settings.maintenanceIntervalMs)))

  return {
    last: () => last,
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running
    },
  }
}
