import { DURATION_BOUNDS } from './buckets.js'

/** The trace behind one measurement. */
export interface ExemplarSlot {
  value: number
  /** On the steady clock; wall time is made of it at export. */
  steadyMs: number
  traceId: string
  spanId: string
  /** Empty when it would not fit. */
  correlationId: string
  sampled: boolean
}

/** A growing or moving sum; `minor` counts whole smallest units where exactness matters. */
export interface SumSeries {
  readonly labels: Record<string, string>
  value: number
  minor: bigint
  exemplar: ExemplarSlot | undefined
}

export interface DurationSeries {
  readonly labels: Record<string, string>
  readonly counts: number[]
  readonly exemplars: (ExemplarSlot | undefined)[]
  count: number
  sum: number
  min: number
  max: number
}

export function sumSeries(labels: Record<string, string>): SumSeries {
  return { labels, value: 0, minor: 0n, exemplar: undefined }
}

export function durationSeries(labels: Record<string, string>): DurationSeries {
  const buckets = DURATION_BOUNDS.length + 1
  return {
    labels,
    counts: new Array<number>(buckets).fill(0),
    exemplars: new Array<ExemplarSlot | undefined>(buckets).fill(undefined),
    count: 0,
    sum: 0,
    min: Number.POSITIVE_INFINITY,
    max: Number.NEGATIVE_INFINITY,
  }
}

/** Adds one duration; returns the index of its bucket. */
export function recordDuration(series: DurationSeries, seconds: number): number {
  let bucket = 0
  while (bucket < DURATION_BOUNDS.length && seconds > DURATION_BOUNDS[bucket]!) bucket += 1
  series.counts[bucket]! += 1
  series.count += 1
  series.sum += seconds
  if (seconds < series.min) series.min = seconds
  if (seconds > series.max) series.max = seconds
  return bucket
}
