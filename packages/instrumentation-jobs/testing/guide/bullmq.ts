// The code of docs/guides/jobs.md, section Queues.
import { instrumentJobs } from '@throughline/instrumentation-jobs'
import {
  executionOf,
  processor,
  queueState,
  telemetry,
  watchWorker,
} from '@throughline/instrumentation-jobs/bullmq'
import { type ConnectionOptions, type Job, Queue, Worker } from 'bullmq'
import { transcode } from './transcode.js'

export const bullmq = (connection: ConnectionOptions) => {
  const jobs = instrumentJobs({ queue: 'transcode', system: 'bullmq', state: queueState(() => queue) })
  const queue = new Queue('transcode', { connection, telemetry: telemetry(jobs) })
  const work = async (job: Job<{ file: string }>) => {
    const frames = await transcode(job.data.file)
    executionOf(job)?.set({ frames })
  }
  const worker = new Worker('transcode', processor(jobs, work), { connection, concurrency: 4 })
  watchWorker(jobs, worker)
  return { jobs, queue, worker }
}
