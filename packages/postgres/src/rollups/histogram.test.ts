import fc from 'fast-check'
import { expect, test } from 'vitest'
import { boundAbove, type Histogram, mergeHistograms, parseHistograms, percentilesUs } from './histogram.js'

const zero = -32_768

/** As `throughline.duration_bucket` has it. */
const bucketOf = (us: number): number => (us > 0 ? Math.ceil(Math.log(us) * 46.16624130844683) - 1 : zero)

const histogramOf = (durations: readonly number[]): Histogram => {
  const counts = new Map<number, number>()
  for (const us of durations) counts.set(bucketOf(us), (counts.get(bucketOf(us)) ?? 0) + 1)
  const buckets = [...counts.keys()].sort((a, b) => a - b)
  return {
    buckets,
    counts: buckets.map((bucket) => counts.get(bucket)!),
    minUs: Math.min(...durations),
    maxUs: Math.max(...durations),
  }
}

const aDuration = fc.oneof(
  fc.nat({ max: 3 }),
  fc.nat({ max: 100_000_000 }),
  fc.constant(Number.MAX_SAFE_INTEGER),
)
const durations = fc.array(aDuration, { minLength: 1, maxLength: 60 })

test('histograms merged are the histogram of all their durations', () => {
  fc.assert(
    fc.property(fc.array(durations, { minLength: 1, maxLength: 6 }), (parts) => {
      expect(mergeHistograms(parts.map(histogramOf))).toEqual(histogramOf(parts.flat()))
    }),
  )
})

test('histograms side by side, as Postgres writes their arrays, are read as the histogram of all their durations', () => {
  const textOf = (numbers: readonly number[]): string => `{${numbers.join(',')}}`
  fc.assert(
    fc.property(fc.array(durations, { minLength: 1, maxLength: 6 }), (parts) => {
      const histograms = parts.map(histogramOf)
      const { minUs, maxUs } = histogramOf(parts.flat())
      const buckets = histograms.map((one) => textOf(one.buckets)).join(' ')
      const counts = histograms.map((one) => textOf(one.counts)).join(' ')
      expect(parseHistograms(buckets, counts, minUs, maxUs)).toEqual(histogramOf(parts.flat()))
    }),
  )
})

test('a merged histogram takes its parts in any order of their buckets', () => {
  const { buckets, counts, ...ends } = histogramOf([1, 5, 5, 900])
  const turned = { buckets: buckets.toReversed(), counts: counts.toReversed(), ...ends }
  expect(mergeHistograms([turned])).toEqual(histogramOf([1, 5, 5, 900]))
})

test('percentiles of a merged histogram are within 1.09 % of those of the durations', () => {
  fc.assert(
    fc.property(durations, durations, (some, others) => {
      const sorted = [...some, ...others].sort((a, b) => a - b)
      const shares = [0, 0.5, 0.95, 0.99, 1]
      const read = percentilesUs(mergeHistograms([histogramOf(some), histogramOf(others)]), shares)
      for (const [at, share] of shares.entries()) {
        const place = share * (sorted.length - 1)
        const [lower, upper] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!]
        const exact = lower + (place - Math.floor(place)) * (upper - lower)
        expect(Math.abs(read[at]! - exact)).toBeLessThanOrEqual(exact * 0.0109 + 1e-9)
      }
    }),
  )
})

test('how many are slower than the bound above a duration is exact, and the bound at most 2.2 % above it', () => {
  fc.assert(
    fc.property(durations, aDuration, (all, us) => {
      const bound = boundAbove(us)
      expect(bound.us).toBeGreaterThanOrEqual(us * (1 - 1e-12))
      expect(bound.us).toBeLessThanOrEqual(us * 1.0219)
      const longer = all.filter((one) => bucketOf(one) > bucketOf(us)).length
      expect(bound.countAbove(histogramOf(all))).toBe(longer)
    }),
  )
})
