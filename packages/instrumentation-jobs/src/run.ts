import { readCarrier } from './carrier.js'
import { clean } from './clean.js'
import { enter } from './enter.js'
import { Execution, type TakenJob } from './execution.js'
import { guard, warnOnce } from './guard.js'
import { isHeard } from './heard.js'
import type { Queue } from './queue.js'
import { toMillis } from './time.js'
import type { BegunJob, Job, JobExecution } from './types.js'

/** Runs `fn` as this job, exactly once, and answers as it does. */
export async function run<T>(
  queue: Queue,
  job: Job,
  fn: (execution: JobExecution) => T | Promise<T>,
): Promise<T> {
  const { execution, headers, heard } = take(queue, job)
  if (!heard) return runUnheard(execution, fn)
  let result: { value: T } | undefined
  let failure: { error: unknown } | undefined
  const work = async (): Promise<void> => {
    try {
      result = { value: await fn(execution) }
      execution.end('completed')
    } catch (error) {
      failure = { error }
      execution.end('failed', failure)
      if (!execution.cancelled) throw error
    }
  }
  await entering(queue, execution, headers, work)
  if (failure !== undefined) throw (failure as { error: unknown }).error
  return (result as unknown as { value: T }).value
}

/** Where nobody would see it, there is nothing to enter. */
async function runUnheard<T>(
  execution: Execution,
  fn: (execution: JobExecution) => T | Promise<T>,
): Promise<T> {
  try {
    const value = await fn(execution)
    execution.end('completed')
    return value
  } catch (error) {
    execution.end('failed', { error })
    throw error
  }
}

/** The same for a job that something else runs: it lasts until it is told otherwise. */
export function begin(queue: Queue, job: Job, neverRan = false): BegunJob {
  const { execution, headers, heard } = take(queue, job, neverRan)
  if (!heard) {
    execution.endsBy(() => {})
    return execution
  }
  const over = Promise.withResolvers<void>()
  execution.endsBy((failure) => (failure === undefined ? over.resolve() : over.reject(failure.error)))
  void entering(queue, execution, headers, () => over.promise)
  return execution
}

/** Enters the job and waits for its end, which is told by `work` itself. A fault of ours on the way in costs the figures, not the job. */
async function entering(
  queue: Queue,
  execution: Execution,
  headers: Record<string, string>,
  work: () => Promise<void>,
): Promise<void> {
  let working: Promise<void> | undefined
  const once = (): Promise<void> => {
    working ??= work()
    return working
  }
  try {
    await enter(queue, execution, headers, once)
  } catch (problem) {
    if (working === undefined) warnOnce('start of a job', `start of a job: ${clean(String(problem))}`)
  }
  // Of what it was told the caller has its own.
  await once().catch(() => {})
}

interface Taken {
  readonly execution: Execution
  readonly headers: Record<string, string>
  readonly heard: boolean
}

function take(queue: Queue, job: Job, neverRan = false): Taken {
  const heard = isHeard()
  const carrier = heard ? guard('carrier of a job', () => readCarrier(job.carrier)) : undefined
  const taken: TakenJob = guard('description of a job', () => ({
    id: clean(job.id),
    type: queue.typeOf(job.type),
    executionId: clean(job.executionId) || crypto.randomUUID(),
    attempt: Number.isSafeInteger(job.attempt) ? job.attempt : undefined,
    enqueuedAt: toMillis(job.enqueuedAt) ?? carrier?.enqueuedAt,
  })) ?? {
    id: '',
    type: queue.typeOf(undefined),
    executionId: crypto.randomUUID(),
    attempt: undefined,
    enqueuedAt: undefined,
  }
  return { execution: new Execution(queue, taken, neverRan), headers: carrier?.headers ?? {}, heard }
}
