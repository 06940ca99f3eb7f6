import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import type { ValueReport } from './figure.js'
import { type PublishOptions, publishValueGauges } from './gauges.js'
import type { ValueModel } from './model.js'
import { valueReport } from './report.js'
import { warmValue } from './warm.js'

export type ValuePublisher = {
  /** Makes the report of this month and publishes its gauges now. Rejects when either fails. */
  publish: () => Promise<{ report: ValueReport; gauges: number }>
  /** Resolves when a publication that is under way has ended. */
  close: () => Promise<void>
}

/**
 * Publishes the gauges of the month that runs, at the start, once its ratios are counted, and then in intervals: a store forgets a gauge that is
 * not repeated (Prometheus after five minutes). A failure is told and the next interval tries again.
 */
export const startValuePublisher = (
  pool: Pool,
  model: ValueModel,
  options: Omit<PublishOptions, 'now'> & {
    /** Default 60,000. */
    intervalMs?: number
    onError?: (error: unknown) => void
  },
): ValuePublisher => {
  const stopping = new AbortController()
  const publish = async (): Promise<{ report: ValueReport; gauges: number }> => {
    const report = await valueReport(pool, model)
    return { report, gauges: await publishValueGauges(report, options) }
  }
  const run = async (): Promise<void> => {
    await warmValue(pool, model, { signal: stopping.signal }).catch((error: unknown) =>
      options.onError?.(error),
    )
    while (!stopping.signal.aborted) {
      await publish().catch((error: unknown) => options.onError?.(error))
      await delay(options.intervalMs ?? 60_000, undefined, { signal: stopping.signal, ref: false }).catch(
        () => {},
      )
    }
  }
  const running = run()
  return {
    publish,
    async close() {
      stopping.abort()
      await running
    },
  }
}
