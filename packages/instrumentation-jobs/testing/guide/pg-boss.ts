// The code of docs/guides/jobs.md, section Queues.
import { instrumentJobs } from '@throughline/instrumentation-jobs'
import { handler, queueState, withCarrier } from '@throughline/instrumentation-jobs/pg-boss'
import type { Job, PgBoss } from 'pg-boss'
import { transcode } from './transcode.js'

export const pgBoss = async (boss: PgBoss) => {
  const state = queueState(boss, 'transcode')
  const jobs = instrumentJobs({ queue: 'transcode', system: 'pg-boss', state })
  await boss.work(
    'transcode',
    handler(jobs, async ([job]: Job<{ file: string }>[]) => transcode(job!.data.file)),
  )
  const send = (file: string) => boss.send('transcode', withCarrier(jobs, { file }))
  return { jobs, send }
}
