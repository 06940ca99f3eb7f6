import { executionOf, handler } from '@throughline/instrumentation-jobs/pg-boss'
import type { FastifyBaseLogger } from 'fastify'
import type { JobWithMetadata } from 'pg-boss'
import type { Engine } from './engine.js'
import { JobAborted, JobCancelled } from './errors.js'
import type { JobRequest } from './job-request.js'
import type { Queue } from './queue.js'
import type { Results } from './results.js'
import { runJob } from './run-job.js'
import type { Running } from './running.js'
import type { Settings } from './settings.js'

export interface Parts {
  settings: Settings
  queue: Queue
  engine: Engine
  results: Results
  running: Running
  log: FastifyBaseLogger
}

/** How long a slot waits before it asks again, where nobody woke it. The least that pg-boss takes. */
const ASK_AGAIN_SECONDS = 0.5

/** Has the queue's jobs run, one at a time in each slot. */
export async function startSlots(parts: Parts): Promise<void> {
  const { boss, jobs, name } = parts.queue
  const run = handler(jobs, async ([job]: JobWithMetadata<JobRequest>[]) => job && work(parts, job), {
    type: (job) => job.data.type,
  })
  const options = {
    includeMetadata: true,
    pollingIntervalSeconds: ASK_AGAIN_SECONDS,
    notifyPollingIntervalSeconds: ASK_AGAIN_SECONDS,
    heartbeatRefreshSeconds: 2,
  } as const
  for (let slot = 0; slot < parts.settings.slots; slot += 1) {
    const id: string = await boss.work<JobRequest, unknown, typeof options>(name, options, async (batch) => {
      try {
        return await run(batch)
      } finally {
        // A slot that is free asks at once.
        boss.notifyWorker(id)
      }
    })
  }
}

/** Rejects with the failure of the job, which is what the queue keeps of it. */
async function work(
  parts: Parts,
  job: JobWithMetadata<JobRequest>,
): Promise<{ exitCode: number | undefined }> {
  const { settings, engine, results, running, log } = parts
  const execution = executionOf(job)
  if (execution === undefined) throw new Error('the job has no execution')
  const current = running.begin(job.id)
  // The queue's own wish: its time is up, the claim is gone, or the process ends.
  const wish = () => current.stop.abort(new JobAborted())
  job.signal.addEventListener('abort', wish, { once: true })
  log.info({ image: job.data.image, type: job.data.type }, 'job taken')
  try {
    const outcome = await runJob(engine, settings, job.data, execution, current)
    const { error, exitCode } = outcome
    await results
      .save(job.id, outcome)
      .catch((problem: unknown) => log.error({ err: problem }, 'result not kept'))
    if (error instanceof JobCancelled) {
      execution.cancel('by request')
      log.info('job cancelled')
    } else if (error !== undefined) {
      log.warn({ error: error.name, exitCode }, error.message)
      throw error
    } else log.info({ exitCode }, 'job completed')
    return { exitCode }
  } finally {
    job.signal.removeEventListener('abort', wish)
    running.end(job.id)
  }
}
