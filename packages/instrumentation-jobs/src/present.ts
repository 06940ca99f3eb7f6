import { hostname } from 'node:os'
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
  #state: { known: KnownState; at: number; stale: boolean } | undefined
  #closed = false

  constructor(queue: Queue) {
    this.#queue = queue
  }

  set state(known: KnownState) {
    this.#state = { known, at: steady(), stale: false }
  }

  /** A check failed: how long is the last answer still true? */
  age(): void {
    const oldest = steady() - STALE_INTERVALS * this.#queue.settings.intervalMs
    if (this.#state !== undefined && this.#state.at < oldest) this.#state.stale = true
  }

  /**
   * Of the queue nothing more is said, so its last answer stays: a process closes when it ends, and a NaN as its last word would make
   * every sum over processes NaN until Prometheus forgets it.
   */
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
    if (this.#state !== undefined && !this.#closed) {
      const { known, stale } = this.#state
      // A gauge that is told no more stays at its last value for good: only this says that it is not known.
      const shown = (value: number): number => (stale ? Number.NaN : value)
      for (const [status, count] of Object.entries(known.counts))
        report('job.count', shown(count), { ...ofQueue, 'job.status': status })
      if (known.depth !== undefined) report('job.queue.depth', shown(known.depth), ofQueue)
      if (known.oldestAge !== undefined) report('job.queue.oldest_age', shown(known.oldestAge), ofQueue)
    }
    return !this.#closed || running.count > 0
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
