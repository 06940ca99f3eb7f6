import { readCarrier } from '../adapters/carrier.js'
import type { Job, JobCarrier, Jobs } from '../types.js'
import type { GraphileJob } from './types.js'

/** A flag is the one thing that Graphile Worker stores with a job and gives no meaning to: the payload stays untouched, whatever it is. */
const prefix = 'throughline:'

/**
 * The `spec` of `addJob` with the job's carrier in its flags: `addJob('transcode', payload, withCarrier(jobs, 'transcode', { maxAttempts: 3 }))`,
 * or for `addJobs` `{ ...withCarrier(jobs, identifier, spec), identifier, payload }`. A task made by `task` does not see the flag.
 */
export const withCarrier = <S extends object>(
  jobs: Jobs,
  identifier: string,
  spec?: S,
): S & { flags: string[] } => {
  const { flags = [], runAt }: { flags?: string[]; runAt?: Date } = spec ?? {}
  const carrier = jobs.enqueued({ type: identifier, enqueuedAt: runAt })
  return { ...(spec as S), flags: [...flags, `${prefix}${JSON.stringify(carrier)}`] }
}

/** Takes the carrier out of the job's flags, which then are what was given. */
export const takeCarrier = (job: GraphileJob): JobCarrier | undefined => {
  const { flags } = job
  if (typeof flags !== 'object' || flags === null) return undefined
  const names = Object.keys(flags)
  const own = names.find((name) => name.startsWith(prefix))
  if (own === undefined) return undefined
  const rest = names.filter((name) => name !== own).map((name) => [name, true] as const)
  job.flags = rest.length === 0 ? null : Object.fromEntries(rest)
  return readCarrier(own.slice(prefix.length))
}

/** What the queue knows of a job that a worker has taken. */
export const describe = (job: GraphileJob, carrier: JobCarrier | undefined): Job => ({
  id: job.id,
  type: job.task_identifier,
  attempt: job.attempts,
  carrier,
  ...(job.run_at instanceof Date ? { enqueuedAt: job.run_at } : {}),
})
