import { hostname } from 'node:os'
import type { Attributes } from '@opentelemetry/api'
import type { HostUse } from './host/host.js'
import type { Report } from './metrics.js'
import type { Queue } from './queue.js'
import { type KnownState, stateMetadata } from './state.js'
import { steady } from './time.js'

/** An answer as old as this many intervals is no longer the present. */
const STALE_INTERVALS = 3

/** What is known of a queue right now, for readers of metrics and for the row of a check. */
export class Present {
  host: HostUse = {}
  readonly #queue: Queue
  #state: { known: KnownState; at: number } | undefined
  #failed = false
  #closed = false

  constructor(queue: Queue) {
    this.#queue = queue
  }

  set state(known: KnownState) {
    this.#state = { known, at: steady() }
    this.#failed = false
  }

  /** A check failed: the last answer is true for a while yet. */
  failed(): void {
    this.#failed = true
  }

  /** Of the queue nothing more is said. */
  close(): void {
    this.#closed = true
  }

  /** Says it to a reader of metrics; answers whether there will be more to say. */
  report(report: Report): boolean {
    const { queue, capacity } = this.#queue.settings
    const { running } = this.#queue
    const ofQueue = { 'job.queue': queue }
    for (const [type, count] of running.active())
      report('container.active.jobs', count, { ...ofQueue, 'job.type': type })
    report('job.concurrent', running.count, ofQueue)
    report('job.concurrent.peak', running.peak.recent(), ofQueue)
    for (const [resource, value] of Object.entries(this.host))
      report('host.utilization', value, { 'host.resource': resource })
    if (capacity !== undefined)
      report('host.utilization', running.count / capacity, { ...ofQueue, 'host.resource': 'slots' })
    const state = this.#closed ? undefined : this.#state
    if (state !== undefined) {
      const age = steady() - state.at
      report('job.state.age', age / 1_000, ofQueue)
      // What was true once is not shown as if it was: a gauge that is not observed has no value.
      const stale = this.#failed && age > STALE_INTERVALS * this.#queue.settings.intervalMs
      if (!stale) this.#reportState(state.known, report, ofQueue)
    }
    return !this.#closed || running.count > 0
  }

  #reportState({ counts, depth, oldestAge }: KnownState, report: Report, ofQueue: Attributes): void {
    for (const [status, count] of Object.entries(counts))
      report('job.count', count, { ...ofQueue, 'job.status': status })
    if (depth !== undefined) report('job.queue.depth', depth, ofQueue)
    if (oldestAge !== undefined) report('job.queue.oldest_age', oldestAge, ofQueue)
  }

  /** What the row of a check holds: how the recorder knows the present. Begins the peak anew. */
  metadata(state: KnownState | undefined, jobs: number | undefined): Record<string, unknown> {
    const { settings, running } = this.#queue
    const { queue, capacity } = settings
    const slots = capacity === undefined ? {} : { slots: running.count / capacity }
    const host = { ...this.host, ...slots }
    return {
      'job.queue': queue,
      ...(capacity === undefined ? {} : { 'job.capacity': capacity }),
      'job.running_here': running.count,
      'job.concurrent.peak': running.peak.take(),
      'host.name': hostname(),
      ...(Object.keys(host).length === 0 ? {} : { host }),
      ...(state === undefined ? {} : { 'job.state': stateMetadata(state) }),
      ...(jobs === undefined ? {} : { 'job.status_check.jobs': jobs }),
    }
  }
}
