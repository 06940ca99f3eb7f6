import { type Histogram, percentilesUs } from '../rollups/histogram.js'
import { jobPhases } from '../rollups/sql/job-cells.js'
import type { Peak } from './jobs-peak.js'

/** How long something took, in ms; percentiles are at most 1.09 % off, the rest is exact. */
export type Spread = {
  count: number
  averageMs: number
  p50Ms: number
  p95Ms: number
  p99Ms: number
  maxMs: number
}

export type JobFigures = {
  count: number
  completed: number
  failed: number
  cancelled: number
  /** Of `count`: runs that were not the first try of their job. */
  retried: number
  /** Undefined: nothing was measured. */
  duration: Spread | undefined
  launch: Spread | undefined
  /** In the order of a job's life; those that were measured. */
  phases: ({ phase: JobPhase } & Spread)[]
  /** The most frequent first; null: failures without a type. */
  failures: { type: string | null; count: number }[]
  otherFailures: number
  /** Undefined: none ran. */
  peak: Peak | undefined
}

export type JobPhase = (typeof jobPhases)[number]

/** Numbers of a queue and a type; null: beyond what is listed. */
type Numbered = [q: number | null, t: number | null]
export type Tally = [
  ...Numbered,
  n: number,
  completed: number,
  failed: number,
  cancelled: number,
  retried: number,
]
/** `measure`: 0 duration, 1 launch, from 2 on the phases. */
export type Cell = [...Numbered, measure: number, bucket: number, n: number]
/** What the cells of a measure span. */
export type Extent = [...Numbered, measure: number, sumUs: number, minUs: number, maxUs: number]
export type Failed = [...Numbered, error: string | null, n: number]

const maxErrorTypes = 20

/** Of what is of one queue, one type, or all. */
export const figuresOf = (
  tallies: readonly Tally[],
  cells: readonly Cell[],
  extents: readonly Extent[],
  failures: readonly Failed[],
  peak: Peak | undefined,
): JobFigures => {
  const sum = (at: 2 | 3 | 4 | 5 | 6): number => tallies.reduce((total, tally) => total + tally[at], 0)
  const failed = sum(4)
  const errors = new Map<string, number>()
  for (const [, , error, n] of failures) if (error !== null) errors.set(error, (errors.get(error) ?? 0) + n)
  const listed = [...errors].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, maxErrorTypes)
  const measured = (measure: number): Spread | undefined =>
    spreadOf(
      cells.filter((cell) => cell[2] === measure),
      extents.filter((extent) => extent[2] === measure),
    )
  return {
    count: sum(2),
    completed: sum(3),
    failed,
    cancelled: sum(5),
    retried: sum(6),
    duration: measured(0),
    launch: measured(1),
    phases: jobPhases.flatMap((phase, at) => {
      const spread = measured(2 + at)
      return spread === undefined ? [] : [{ phase, ...spread }]
    }),
    failures: listed.map(([type, count]) => ({ type: type === '' ? null : type, count })),
    otherFailures: failed - listed.reduce((total, [, count]) => total + count, 0),
    peak,
  }
}

const spreadOf = (cells: readonly Cell[], extents: readonly Extent[]): Spread | undefined => {
  if (cells.length === 0) return undefined
  const buckets = new Map<number, number>()
  let count = 0
  for (const [, , , bucket, n] of cells) {
    buckets.set(bucket, (buckets.get(bucket) ?? 0) + n)
    count += n
  }
  let [sumUs, minUs, maxUs] = [0, Number.POSITIVE_INFINITY, 0]
  for (const [, , , sum, least, most] of extents) {
    sumUs += sum
    minUs = Math.min(minUs, least)
    maxUs = Math.max(maxUs, most)
  }
  const ascending = [...buckets].sort(([a], [b]) => a - b)
  const histogram: Histogram = {
    buckets: ascending.map(([bucket]) => bucket),
    counts: ascending.map(([, n]) => n),
    minUs,
    maxUs,
  }
  const [p50 = 0, p95 = 0, p99 = 0] = percentilesUs(histogram, [0.5, 0.95, 0.99])
  return {
    count,
    averageMs: sumUs / count / 1000,
    p50Ms: p50 / 1000,
    p95Ms: p95 / 1000,
    p99Ms: p99 / 1000,
    maxMs: maxUs / 1000,
  }
}
