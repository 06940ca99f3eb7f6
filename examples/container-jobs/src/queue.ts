import { instrumentJobs, type Jobs } from '@throughline/instrumentation-jobs'
import { queueState } from '@throughline/instrumentation-jobs/pg-boss'
import type { FastifyBaseLogger } from 'fastify'
import { PgBoss } from 'pg-boss'
import type { Settings } from './settings.js'

/** The queue in Postgres and what measures it. */
export interface Queue {
  readonly name: string
  readonly boss: PgBoss
  readonly jobs: Jobs
  close(): Promise<void>
}

/** A runner that was killed beats no more: its jobs have failed after that long. The least that pg-boss takes. */
const HEARTBEAT_SECONDS = 10
/** Running jobs are cancelled at the end of the process, and need a moment for it. */
const STOP_MS = 8_000

export async function openQueue(settings: Settings, log: FastifyBaseLogger): Promise<Queue> {
  const { queue: name, slots } = settings
  const boss = new PgBoss({
    connectionString: settings.databaseUrl,
    application_name: 'container-jobs',
    useListenNotify: true,
    superviseIntervalSeconds: 5,
    monitorIntervalSeconds: 15,
  })
  boss.on('error', (error) => log.error({ err: error }, 'queue'))
  await boss.start()
  // No second try: what a container has done half is not ours to repeat.
  await boss.createQueue(name, { retryLimit: 0, heartbeatSeconds: HEARTBEAT_SECONDS, notify: true })
  const jobs = instrumentJobs({
    queue: name,
    capacity: slots,
    system: 'pg-boss',
    state: queueState(boss, name),
    intervalMs: settings.stateMs,
  })
  return {
    name,
    boss,
    jobs,
    async close() {
      await boss.stop({ graceful: true, timeout: STOP_MS })
      jobs.close()
    },
  }
}
