/** Numbers lo to hi of one instance, without a gap, from `received` records: more than they are when some came twice. */
export type Run = { instance: string; lo: bigint; hi: bigint; received: number }

type Numbered = { instance?: string | null; seq?: bigint | null }

/** The contiguous runs of each instance over all the records; those without an instance or a number are left out. */
export const runsOf = (...groups: readonly (readonly Numbered[])[]): Run[] => {
  const byInstance = new Map<string, Run[]>()
  let current: Run | undefined
  for (const records of groups)
    for (const { instance, seq } of records) {
      if (instance == null || seq == null) continue
      // What one process sends in order needs no lookup: the records of a request follow each other.
      if (current !== undefined && current.instance === instance && seq === current.hi + 1n) {
        current.hi = seq
        current.received += 1
        continue
      }
      current = { instance, lo: seq, hi: seq, received: 1 }
      const runs = byInstance.get(instance)
      if (runs === undefined) byInstance.set(instance, [current])
      else runs.push(current)
    }
  return [...byInstance.values()].flatMap(merged)
}

const merged = (runs: Run[]): Run[] => {
  if (runs.length === 1) return runs
  runs.sort((a, b) => (a.lo < b.lo ? -1 : a.lo > b.lo ? 1 : 0))
  const result: Run[] = []
  for (const run of runs) {
    const last = result.at(-1)
    if (last === undefined || run.lo > last.hi + 1n) {
      result.push(run)
    } else {
      if (run.hi > last.hi) last.hi = run.hi
      last.received += run.received
    }
  }
  return result
}
