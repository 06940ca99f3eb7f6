import { remember } from '../adapters/executions.js'
import type { BegunJob, Jobs } from '../types.js'
import { describe, takeCarrier } from './carrier.js'
import type { PgBossJob } from './types.js'

export interface HandlerOptions<J> {
  /** Type of a job: few values. Default: the name of the queue. */
  type?: string | ((job: J) => string)
}

/**
 * The handler of `work`, each job of its batch run as a job: `boss.work('transcode', handler(jobs, async ([job]) => …))`. Arguments, answer
 * and error are the handler's own; the data are what was sent. A batch runs in the context of its first job.
 *
 * What pg-boss decides while the handler runs is recorded as it decides: a job that runs into `expireInSeconds` has failed (`JobTimeout`), and
 * one whose claim its heartbeat finds gone is cancelled.
 */
export const handler = <J extends PgBossJob, R, A extends unknown[]>(
  jobs: Jobs,
  fn: (batch: J[], ...rest: A) => Promise<R>,
  options: HandlerOptions<J> = {},
): ((batch: J[], ...rest: A) => Promise<R>) => {
  const begin = (job: J): [J, BegunJob] => {
    const carrier = takeCarrier(job)
    const described = describe(job, typeOf(options, job), carrier)
    if ((described.attempt ?? 1) > 1) jobs.retried(described.type)
    const execution = jobs.begin(described)
    remember(job, execution)
    return [job, execution]
  }
  return async (batch, ...rest) => {
    const begun = batch.map(begin)
    const unwatch = begun.map(([job, execution]) => watchSignal(job, execution))
    const first = begun[0]?.[1]
    let result: R
    try {
      result = await (first === undefined ? fn(batch, ...rest) : first.within(() => fn(batch, ...rest)))
    } catch (error) {
      for (const [, execution] of begun) execution.fail(error)
      throw error
    } finally {
      for (const stop of unwatch) stop()
    }
    const failures = failuresOf(result)
    for (const [{ id }, execution] of begun) {
      const failure = failures.get(id)
      if (failure === undefined) execution.complete(result)
      else execution.fail(failure)
    }
    return result
  }
}

/** A function of the user's that fails costs the name, not the job. */
export const typeOf = <J extends PgBossJob>({ type }: HandlerOptions<J>, job: J): string => {
  if (typeof type === 'string') return type
  try {
    return type?.(job) ?? job.name
  } catch {
    return job.name
  }
}

const none: ReadonlyMap<unknown, Error> = new Map()

/** A handler with `perJobResults` returns each job's outcome: `[{ id, status: 'completed' | 'failed' | 'deadletter', output }]`. */
const failuresOf = (result: unknown): ReadonlyMap<unknown, Error> => {
  if (!Array.isArray(result)) return none
  const failures = new Map<unknown, Error>()
  for (const one of result as unknown[]) {
    if (typeof one !== 'object' || one === null) continue
    const { id, status, output } = one as { id?: unknown; status?: unknown; output?: unknown }
    if (status !== 'failed' && status !== 'deadletter') continue
    failures.set(
      id,
      output instanceof Error ? output : named('JobFailed', 'the handler returned the job as failed'),
    )
  }
  return failures
}

/** pg-boss ends a job over the head of its handler through the job's signal. */
const watchSignal = (job: PgBossJob, execution: BegunJob): (() => void) => {
  const { signal, expireInSeconds } = job
  if (signal === undefined) return () => {}
  const begun = performance.now()
  const onAbort = () => {
    const reason: unknown = signal.reason
    // Only a lost claim has a reason of its own; the limit of time and the end of the process abort alike.
    if (reason instanceof Error && reason.name !== 'AbortError') execution.cancel(reason.message)
    else if (expireInSeconds !== undefined && performance.now() - begun >= expireInSeconds * 1_000 - 50)
      execution.fail(named('JobTimeout', `the handler was still running after ${expireInSeconds} s`))
    else execution.fail(named('JobAborted', 'pg-boss stopped while the handler was running'))
  }
  signal.addEventListener('abort', onAbort, { once: true })
  return () => signal.removeEventListener('abort', onAbort)
}

const named = (name: string, message: string): Error => Object.assign(new Error(message), { name })
