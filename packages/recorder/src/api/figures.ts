import type { OperationFigures } from '@throughline/postgres/rollups'
import type { Figures, PerformanceAnswer } from './schemas/performance.js'

const noFigures: Figures = {
  count: 0,
  failures: 0,
  successRate: null,
  perSecond: 0,
  averageMs: null,
  p50Ms: null,
  p95Ms: null,
  p99Ms: null,
  maxMs: null,
}

/** Microseconds are what was measured: more digits are none. */
export const milliseconds = (value: number): number => Math.round(value * 1000) / 1000

export const shownFigures = (figures: OperationFigures | undefined, seconds: number): Figures => {
  if (figures === undefined) return noFigures
  const { count, failures, successRate } = figures
  return {
    count,
    failures,
    successRate,
    perSecond: count / Math.max(seconds, 1),
    averageMs: milliseconds(figures.averageMs),
    p50Ms: milliseconds(figures.p50Ms),
    p95Ms: milliseconds(figures.p95Ms),
    p99Ms: milliseconds(figures.p99Ms),
    maxMs: milliseconds(figures.maxMs),
  }
}

const relative = (now: number | null, before: number | null): number | null =>
  now === null || before === null || before === 0 ? null : now / before - 1

/** Numbers are compared as rates, since the running minute makes the windows unequal. */
export const changeOf = (now: Figures, before: Figures): PerformanceAnswer['change'] => ({
  count: relative(now.perSecond, before.perSecond),
  successRate:
    now.successRate === null || before.successRate === null ? null : now.successRate - before.successRate,
  averageMs: relative(now.averageMs, before.averageMs),
  p50Ms: relative(now.p50Ms, before.p50Ms),
  p95Ms: relative(now.p95Ms, before.p95Ms),
  p99Ms: relative(now.p99Ms, before.p99Ms),
})

/** Four buckets of the sums are one here: eight a doubling are finer than any picture. */
const bucketsPerStep = 4

export const distributionOf = (figures: OperationFigures | undefined): PerformanceAnswer['distribution'] => {
  if (figures === undefined) return []
  const { buckets, counts } = figures.histogram
  const steps = new Map<number, number>()
  for (const [at, bucket] of buckets.entries()) {
    const step = bucket < -32_000 ? Number.NEGATIVE_INFINITY : Math.floor(bucket / bucketsPerStep)
    steps.set(step, (steps.get(step) ?? 0) + counts[at]!)
  }
  const bound = (step: number): number => 2 ** ((step * bucketsPerStep) / 32) / 1000
  return [...steps]
    .sort(([a], [b]) => a - b)
    .map(([step, count]) =>
      step === Number.NEGATIVE_INFINITY
        ? { fromMs: 0, toMs: 0, count }
        : { fromMs: bound(step), toMs: bound(step + 1), count },
    )
}
