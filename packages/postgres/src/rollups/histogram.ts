/** Exponential histogram of OpenTelemetry at scale 5, over microseconds: `buckets` ascending, -32768 is zero. */
export type Histogram = {
  buckets: readonly number[]
  counts: readonly number[]
  minUs: number
  maxUs: number
}

const zeroBucket = -32_768
const base = 2 ** (1 / 32)

/** Within 1.09 % of each value of the bucket: (base - 1) / (base + 1). */
const middleOf = (bucket: number): number =>
  bucket === zeroBucket ? 0 : (2 * 2 ** ((bucket + 1) / 32)) / (base + 1)

/**
 * The durations in µs below which these shares (0 to 1) of the operations lie, interpolated between two neighbours as
 * `percentile_cont` does; at most 1.09 % away from it. NaN for an empty histogram.
 */
export const percentilesUs = (histogram: Histogram, shares: readonly number[]): number[] => {
  const { buckets, counts, minUs, maxUs } = histogram
  const total = counts.reduce((sum, count) => sum + count, 0)

  const valueAt = (rank: number): number => {
    let seen = 0
    for (let at = 0; at < buckets.length; at += 1) {
      seen += counts[at]!
      if (rank < seen) return Math.min(Math.max(middleOf(buckets[at]!), minUs), maxUs)
    }
    return Number.NaN
  }
  return shares.map((share) => {
    const place = share * (total - 1)
    const rank = Math.floor(place)
    const lower = valueAt(rank)
    return place === rank ? lower : lower + (place - rank) * (valueAt(rank + 1) - lower)
  })
}
