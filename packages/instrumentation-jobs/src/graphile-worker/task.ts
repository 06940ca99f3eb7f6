import { remember } from '../adapters/executions.js'
import type { Jobs } from '../types.js'
import { describe, takeCarrier } from './carrier.js'
import type { GraphileJob } from './types.js'

type Task<P, H extends { job: GraphileJob }, R> = (payload: P, helpers: H) => R | Promise<R>

/**
 * A task, run as a job: `taskList: { transcode: task(jobs, async (payload, helpers) => …) }`. Arguments, answer and error are the task's own. A
 * batch, whose payload and answer are arrays, ends when the last of the answer's promises has, and has failed if one of them did.
 */
export const task = <P, H extends { job: GraphileJob }, R>(
  jobs: Jobs,
  fn: Task<P, H, R>,
): ((payload: P, helpers: H) => Promise<R>) => {
  return async (payload, helpers) => {
    const { job } = helpers
    const execution = jobs.begin(describe(job, takeCarrier(job)))
    remember(job, execution)
    const failed = (error: unknown) => {
      execution.fail(error)
      if (job.attempts < job.max_attempts) jobs.retried(job.task_identifier)
    }
    let result: R
    try {
      result = await execution.within(() => fn(payload, helpers))
    } catch (error) {
      failed(error)
      throw error
    }
    const rejection = await rejectionOf(payload, result)
    if (rejection === undefined) execution.complete(result)
    else failed(rejection.reason)
    return result
  }
}

/** A whole task list: `run({ taskList: tasks(jobs, { transcode, thumbnail }), … })`. */
export const tasks = <T extends object>(jobs: Jobs, list: T): T =>
  Object.fromEntries(
    Object.entries(list).map(([name, fn]) => [
      name,
      typeof fn === 'function' ? task(jobs, fn as Task<unknown, { job: GraphileJob }, unknown>) : fn,
    ]),
  ) as T

/** The first failure of a batch, once it is over. Graphile Worker waits for it too, and tries again with those payloads that failed. */
const rejectionOf = async (payload: unknown, result: unknown): Promise<PromiseRejectedResult | undefined> => {
  if (!Array.isArray(payload) || !Array.isArray(result) || payload.length !== result.length) return undefined
  const outcomes = await Promise.allSettled(result)
  return outcomes.find((one) => one.status === 'rejected')
}
