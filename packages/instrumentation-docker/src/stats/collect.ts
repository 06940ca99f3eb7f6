import type { Engine } from '../engine.js'
import type { Fleet } from '../fleet.js'
import type { Health } from '../health.js'
import type { Instruments } from '../metrics.js'
import { sampleOf } from './cgroup.js'
import { addSample, type Followed } from './totals.js'

/*
 * Each container is asked once an interval, and never while its last call is open; `concurrency` calls at once at the most. An engine that
 * needs longer for a round than the interval lasts is asked as fast as it answers, and the containers take turns: the interval
 * becomes longer, and `lateMs` says by how much.
 */
export interface Collector {
  close(): void
}

/** How often is looked for what is due; one look at 1,000 containers takes some 20 µs. */
const LOOK_MS = 500

export function collectStats(
  engine: Engine,
  fleet: Fleet,
  instruments: Instruments,
  health: Health,
  options: { intervalMs: number; concurrency: number },
): Collector {
  const { stats } = health.counts
  let open = 0
  let closed = false

  function look(): void {
    const now = performance.now()
    // In the order of their last call: who waited longest is first.
    for (const container of fleet.running.values()) {
      if (closed || open >= options.concurrency) return
      if (container.busy || container.dueAt > now) continue
      stats.lateMs = Math.round(now - container.dueAt)
      container.dueAt = now + options.intervalMs
      void ask(container)
    }
  }

  async function ask(container: Followed): Promise<void> {
    open += 1
    container.busy = true
    stats.calls += 1
    try {
      // Without `one-shot` the engine takes a second sample a second later, for a difference that is made here.
      const document = await engine.ask(`/containers/${container.id}/stats`, { stream: 0, 'one-shot': 1 })
      const sample = sampleOf(document)
      // An answer that comes after the container's end has no figures, or zeros.
      if (sample !== undefined && fleet.running.get(container.id) === container)
        addSample(instruments, container, sample)
    } catch {
      stats.failures += 1
    } finally {
      open -= 1
      container.busy = false
      if (!closed && open === options.concurrency - 1) look()
    }
  }

  const timer = setInterval(look, Math.min(LOOK_MS, options.intervalMs))
  timer.unref()
  return {
    close() {
      closed = true
      clearInterval(timer)
    },
  }
}
