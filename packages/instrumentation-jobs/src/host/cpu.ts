import { cpus } from 'node:os'
import { steady } from '../time.js'
import type { Limits } from './cgroup.js'

interface Sample {
  readonly busy: number
  readonly total: number
  /** CPU seconds of the own group, and when they were read. */
  readonly own: number | undefined
  readonly at: number
}

/**
 * Share of the CPUs that was in use since it was last asked: that of the whole host, or that of what this process's own group may use, if
 * that is nearer to its end.
 */
export function cpuShare(): (limits: Limits) => number | undefined {
  let before = sample(undefined)
  return (limits) => {
    const now = sample(limits.cpu?.used)
    const ofHost = share(now.busy - before.busy, now.total - before.total)
    const seconds = (now.at - before.at) / 1_000
    const used = now.own === undefined || before.own === undefined ? undefined : now.own - before.own
    const ofGroup =
      used === undefined || limits.cpu === undefined ? undefined : share(used, seconds * limits.cpu.cpus)
    before = now
    return most(ofHost, ofGroup)
  }
}

function sample(own: number | undefined): Sample {
  let busy = 0
  let total = 0
  for (const { times } of cpus()) {
    const all = times.user + times.nice + times.sys + times.idle + times.irq
    busy += all - times.idle
    total += all
  }
  return { busy, total, own, at: steady() }
}

/** 0 to 1; undefined where there is nothing to share. */
export function share(part: number, whole: number): number | undefined {
  return whole > 0 ? Math.min(1, Math.max(0, part / whole)) : undefined
}

export function most(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b)
}
