import { readCarrier, withoutTime } from '../adapters/carrier.js'
import type { Job, Jobs } from '../types.js'
import type { BullmqJob } from './types.js'

/**
 * One job of `addBulk` or one node of a flow, with a carrier of its own: `queue.addBulk(list.map((job) => withCarrier(jobs, job)))`. The
 * carrier is stored in the job's options, its data stay untouched. The given object is not changed.
 */
export const withCarrier = <J extends { name: string; opts?: object }>(jobs: Jobs, job: J): J => {
  const opts: { jobId?: string; telemetry?: object } = job.opts ?? {}
  const carrier = jobs.enqueued({ id: opts.jobId, type: job.name })
  return { ...job, opts: { ...opts, telemetry: { ...opts.telemetry, metadata: JSON.stringify(carrier) } } }
}

/** What the queue knows of a job that a worker has taken. */
export const describe = (job: BullmqJob): Job => {
  // A stalled job begins again without having failed: BullMQ counts the two apart.
  const attempt = 1 + job.attemptsMade + (job.stalledCounter ?? 0)
  return {
    id: job.id ?? '',
    type: job.name,
    attempt,
    // A scheduler gives each job the options of the one before: they would all belong to whoever made the schedule, for ever.
    carrier:
      job.repeatJobKey === undefined ? withoutTime(readCarrier(job.opts?.telemetry?.metadata)) : undefined,
    // When a later try became ready is nowhere to be read.
    ...(attempt === 1 ? { enqueuedAt: dueAt(job) } : {}),
  }
}

/** A delayed job waits for a worker from the moment on when it is due; one that was promoted before, at most from its `add` on. */
const dueAt = ({ timestamp, opts }: BullmqJob): number => {
  const due = timestamp + (opts?.delay ?? 0)
  return due <= Date.now() ? due : timestamp
}
