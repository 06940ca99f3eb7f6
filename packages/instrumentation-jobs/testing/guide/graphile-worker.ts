// The code of docs/guides/jobs.md, section Queues.
import { instrumentJobs } from '@throughline/instrumentation-jobs'
import { queueState, tasks, withCarrier } from '@throughline/instrumentation-jobs/graphile-worker'
import { run } from 'graphile-worker'
import type { Pool } from 'pg'
import { transcode } from './transcode.js'

export const graphileWorker = async (pgPool: Pool) => {
  const jobs = instrumentJobs({ queue: 'media', system: 'graphile-worker', state: queueState(pgPool) })
  const video = async (payload: unknown) => {
    await transcode((payload as { file: string }).file)
  }
  const runner = await run({ pgPool, concurrency: 4, taskList: tasks(jobs, { video }) })
  const add = (file: string) =>
    runner.addJob('video', { file }, withCarrier(jobs, 'video', { maxAttempts: 3 }))
  return { jobs, runner, add }
}
