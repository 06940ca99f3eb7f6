import { executionOf } from '../adapters/executions.js'
import type { Jobs } from '../types.js'
import { describe } from './carrier.js'
import type { BullmqJob } from './types.js'

interface BullmqWorker {
  on(event: 'stalled', listener: (jobId: string) => void): unknown
  on(event: 'failed', listener: (job: BullmqJob | undefined, error: Error) => void): unknown
  off(event: 'stalled', listener: (jobId: string) => void): unknown
  off(event: 'failed', listener: (job: BullmqJob | undefined, error: Error) => void): unknown
}

/**
 * Counts what a processor cannot see: jobs whose worker was lost, retries, and jobs that BullMQ fails without running them, such as one that
 * stalled too often. Returns the function that stops it.
 *
 * A stalled job is found by one of the queue's workers, whichever looks first: watch them all, and each is counted once.
 */
export const watchWorker = (jobs: Jobs, worker: BullmqWorker): (() => void) => {
  const onStalled = () => jobs.stalled()
  const onFailed = (job: BullmqJob | undefined, error: Error) => {
    if (job === undefined) return
    if (executionOf(job) === undefined) jobs.lost(describe(job), error)
    if (job.finishedOn === undefined) jobs.retried(job.name)
  }
  worker.on('stalled', onStalled)
  worker.on('failed', onFailed)
  return () => {
    worker.off('stalled', onStalled)
    worker.off('failed', onFailed)
  }
}
