import type { Health } from './health.js'
import type { Instruments } from './metrics.js'
import { type ContainerUsage, type Followed, usageOf } from './stats/totals.js'

/** The containers that are followed, and what the last of those that ended had used. */
export interface Fleet {
  readonly running: ReadonlyMap<string, Followed>
  /** A container runs; `fromStart` if this is news of its start. */
  runs(id: string, type: string, fromStart: boolean): void
  /** It has ended. Nothing happens for one that is not followed. */
  ended(id: string, exitCode?: number): void
  killedForMemory(id: string, type: string): void
  /** Whether news of its start or end came after this moment of the steady clock: what was asked before then is no news. */
  changedSince(id: string, steadyMs: number): boolean
  usage(id: string): ContainerUsage | undefined
}

/** The first figures are asked for this soon after a start: a job that is shorter than the interval has some, too. */
const FIRST_SAMPLE_MS = 1_000

export function createFleet(
  instruments: Instruments,
  health: Health,
  most: number,
  intervalMs: number,
): Fleet {
  const running = new Map<string, Followed>()
  // In the order of their ends; as many are kept as may run.
  const past = new Map<string, { at: number; usage: ContainerUsage | undefined }>()
  const { stats } = health.counts

  return {
    running,
    runs(id, type, fromStart) {
      if (running.has(id)) return
      if (running.size >= most) {
        stats.skipped += 1
        return
      }
      const now = performance.now()
      running.set(id, {
        id,
        type,
        since: now,
        // Those that are found running at once are spread over the interval, so that their calls do not come in bursts.
        dueAt: now + (fromStart ? Math.min(FIRST_SAMPLE_MS, intervalMs) : Math.random() * intervalMs),
        busy: false,
        fromStart,
        last: undefined,
        lastAt: 0,
        peakBytes: 0,
        oomKills: past.get(id)?.usage?.oomKills ?? 0,
      })
      past.delete(id)
      stats.containers = running.size
    },
    ended(id, exitCode) {
      const container = running.get(id)
      if (container === undefined) return
      running.delete(id)
      stats.containers = running.size
      past.set(id, { at: performance.now(), usage: usageOf(container, exitCode) })
      if (past.size > most) for (const oldest of past.keys()) return void past.delete(oldest)
    },
    killedForMemory(id, type) {
      instruments.oomKills.add(1, { ...instruments.engine, 'job.type': type })
      const container = running.get(id)
      if (container !== undefined) container.oomKills += 1
      const usage = past.get(id)?.usage
      if (usage !== undefined) usage.oomKills += 1
    },
    changedSince(id, steadyMs) {
      const at = running.get(id)?.since ?? past.get(id)?.at
      return at !== undefined && at >= steadyMs
    },
    usage(id) {
      const container = running.get(id)
      return container === undefined ? past.get(id)?.usage : usageOf(container, undefined)
    },
  }
}
