import type { JobState } from '../types.js'
import type { BullmqJob } from './types.js'

type Waiting = 'waiting' | 'prioritized'

interface BullmqQueue {
  getJobCounts(): Promise<Record<string, number>>
  getJobs(types: Waiting[], start: number, end: number, ascending: boolean): Promise<unknown[]>
}

const waiting: Waiting[] = ['waiting', 'prioritized']

/**
 * Option `state`: what the queue says of itself; `queueState(() => queue)` where it is made after `jobs`. Two or three round trips whose cost
 * does not grow with the queue: lengths of lists, and the next job of each list that has one. `completed` and `failed` are those that the queue still keeps; `delayed` jobs and parents of a flow are
 * pending, and wait for no worker yet. Among jobs with a priority the oldest is not known, only the next: their age is a lower bound.
 */
export const queueState =
  (queue: BullmqQueue | (() => BullmqQueue)): (() => Promise<JobState>) =>
  async () => {
    const asked = typeof queue === 'function' ? queue() : queue
    const counts = await asked.getJobCounts()
    const count = (...types: string[]) => types.reduce((sum, type) => sum + (counts[type] ?? 0), 0)
    const next = await Promise.all(
      waiting.filter((type) => count(type) > 0).map((type) => asked.getJobs([type], 0, 0, true)),
    )
    const times = next.flat().filter(isJob).map(enqueuedAt)
    return {
      counts: {
        pending: count(...waiting, 'paused', 'delayed', 'waiting-children'),
        running: count('active'),
        completed: count('completed'),
        failed: count('failed'),
      },
      // A list of its own before BullMQ 6.
      depth: count(...waiting, 'paused'),
      oldestEnqueuedAt: times.length === 0 ? undefined : Math.min(...times),
      jobs: Object.values(counts).reduce((sum, one) => sum + one, 0),
    }
  }

/** A job may be gone between the two questions; BullMQ answers nothing in its place. */
const isJob = (found: unknown): found is BullmqJob =>
  typeof found === 'object' && found !== null && typeof (found as BullmqJob).timestamp === 'number'

const enqueuedAt = ({ timestamp, opts }: BullmqJob): number =>
  Math.min(Date.now(), timestamp + (opts?.delay ?? 0))
