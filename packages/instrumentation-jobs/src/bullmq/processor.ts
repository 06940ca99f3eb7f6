import { remember } from '../adapters/executions.js'
import type { Jobs } from '../types.js'
import { describe } from './carrier.js'
import type { BullmqJob } from './types.js'

/** By these a processor gives the job back: to wait for a time, for its children, for its turn. They are no failures. */
const givingBack = new Set(['DelayedError', 'WaitingError', 'WaitingChildrenError', 'RateLimitError'])
const rateLimited = 'bullmq:rateLimitExceeded'

/**
 * The processor of a `Worker`, run as a job: `new Worker('transcode', processor(jobs, async (job) => …), { connection })`. Arguments, `this`,
 * answer and error are the processor's own. A try that gives its job back (`DelayedError` and the like) is recorded as cancelled.
 */
export const processor = <J extends BullmqJob, R, A extends unknown[]>(
  jobs: Jobs,
  fn: (job: J, ...rest: A) => Promise<R>,
): ((job: J, ...rest: A) => Promise<R>) => {
  function run(this: unknown, job: J, ...rest: A): Promise<R> {
    return jobs.run(describe(job), async (execution) => {
      remember(job, execution)
      try {
        return await fn.call(this, job, ...rest)
      } catch (error) {
        const name = givenBack(error)
        if (name !== undefined) execution.cancel(name)
        throw error
      }
    })
  }
  // BullMQ gives an AbortSignal only to processors that declare three parameters.
  return Object.defineProperty(run, 'length', { value: fn.length })
}

const givenBack = (error: unknown): string | undefined => {
  if (!(error instanceof Error)) return undefined
  if (error.message === rateLimited) return 'RateLimitError'
  return givingBack.has(error.name) ? error.name : undefined
}
