/** Numbers of records from `lo` to `hi`, both of them in it. */
export type Range = readonly [lo: number, hi: number]

/** The contiguous runs of numbers, in their order. */
export function runsOf(seqs: readonly number[]): Range[] {
  const runs: [number, number][] = []
  for (const seq of seqs) {
    const last = runs.at(-1)
    if (last !== undefined && last[1] + 1 === seq) last[1] = seq
    else runs.push([seq, seq])
  }
  return runs
}

/** The same numbers in as few runs as possible; those that follow one another must stand in order. */
export function merged(runs: readonly Range[]): Range[] {
  const result: [number, number][] = []
  for (const [lo, hi] of runs) {
    const last = result.at(-1)
    if (last !== undefined && last[0] <= lo && lo <= last[1] + 1) last[1] = Math.max(last[1], hi)
    else result.push([lo, hi])
  }
  return result
}

/** Whether one of the ranges, ascending and merged, has the whole run. */
export function covers(ranges: readonly Range[], [lo, hi]: Range): boolean {
  let [from, to] = [0, ranges.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (ranges[middle]![1] < lo) from = middle + 1
    else to = middle
  }
  const found = ranges[from]
  return found !== undefined && found[0] <= lo && hi <= found[1]
}
