import { startRollups } from '@throughline/postgres/rollups'
import type { Database } from './database.js'
import { faultCode } from './errors.js'
import type { FaultLog } from './fault-log.js'

/** Keeps the sums per minute, hour and day up to date as soon as the schema is there. Recorders share the work. */
export const startRollupWorker = (database: Database, log: FaultLog): { stop: () => Promise<void> } => {
  let stopped = false
  let worker: ReturnType<typeof startRollups> | undefined
  void database.whenReady.then(() => {
    if (stopped) return
    worker = startRollups(database.pool, {
      onError: (error) => log('rollups', `the sums wait: ${faultCode(error)}`),
    })
  })
  return {
    async stop() {
      stopped = true
      await worker?.stop()
    },
  }
}
