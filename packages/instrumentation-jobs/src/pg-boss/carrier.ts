import { readCarrier, withoutTime } from '../adapters/carrier.js'
import type { Job, JobCarrier, Jobs } from '../types.js'
import type { PgBossJob } from './types.js'

/** pg-boss stores nothing with a job but its data, so the carrier is one key of them; `handler` takes it out again. */
const key = 'throughline'
/** In place of data: there were none. */
const noData = 'no_data'

interface SentJob {
  /** Default: the queue's name. */
  type?: string
  /** The job's own id, where it is chosen by the sender (option `id` of `send`). */
  id?: string
  /** When it is due, as in option `startAfter` of `send`: seconds, a date, or its text. Its waiting is counted from then on. */
  startAfter?: Date | string | number
}

/**
 * Data of a new job with its carrier: `boss.send('transcode', withCarrier(jobs, data))`, and the same for `insert`, `sendAfter` and the rest.
 * A handler made by `handler` gets the data as they were; any other finds one key more, `throughline`. The given object is not changed.
 * Data that are no plain object (an array) have no place for a carrier and stay as they are.
 */
export const withCarrier = <D extends object | null | undefined>(
  jobs: Jobs,
  data: D,
  job: SentJob = {},
): D extends object ? D : object => {
  const { startAfter, id, type = jobs.queue } = job
  const due = dueAt(startAfter)
  const sent = {
    type,
    ...(id === undefined ? {} : { id }),
    ...(due === undefined ? {} : { enqueuedAt: due }),
  }
  const stored =
    data === null || data === undefined
      ? { [key]: { ...jobs.enqueued(sent), [noData]: true } }
      : isPlain(data) && !Object.hasOwn(data, key)
        ? { ...data, [key]: jobs.enqueued(sent) }
        : data
  return stored as D extends object ? D : object
}

const isPlain = (data: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(data)
  return prototype === Object.prototype || prototype === null
}

const dueAt = (startAfter: SentJob['startAfter']): Date | undefined => {
  if (startAfter === undefined) return undefined
  const due = new Date(typeof startAfter === 'number' ? Date.now() + startAfter * 1_000 : startAfter)
  return Number.isNaN(due.getTime()) ? undefined : due
}

/** Takes the carrier out of the job's data, which then are what was sent. */
export const takeCarrier = (job: PgBossJob): JobCarrier | undefined => {
  const { data } = job
  if (typeof data !== 'object' || data === null || !Object.hasOwn(data, key)) return undefined
  const stored = (data as Record<string, unknown>)[key]
  const carrier = readCarrier(typeof stored === 'string' ? undefined : stored)
  // Somebody else's key of that name is the user's own data.
  if (carrier === undefined || !isOurs(carrier)) return undefined
  if (noData in carrier) job.data = null
  else delete (data as Record<string, unknown>)[key]
  return carrier
}

const isOurs = (carrier: JobCarrier): boolean => typeof carrier.enqueued_at === 'string'

/** What the queue knows of a job that a worker has taken. */
export const describe = (job: PgBossJob, type: string, carrier: JobCarrier | undefined): Job => {
  const attempt = (job.retryCount ?? 0) + 1
  const ready = readyAt(job)
  return {
    id: job.id,
    type,
    attempt,
    carrier: attempt === 1 ? carrier : withoutTime(carrier),
    ...(ready === undefined ? {} : { enqueuedAt: ready }),
  }
}

/** pg-boss moves `startAfter` on for each retry. Without metadata a job does not say it. */
const readyAt = ({ createdOn, startAfter }: PgBossJob): Date | undefined =>
  createdOn instanceof Date && startAfter instanceof Date
    ? new Date(Math.max(createdOn.getTime(), startAfter.getTime()))
    : undefined
