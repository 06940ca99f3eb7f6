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

/** As `throughline.duration_bucket`: a bucket holds what is longer than its lower bound and at most as long as its upper one. */
const bucketOf = (us: number): number =>
  us > 0 ? Math.ceil(Math.log(us) * 46.16624130844683) - 1 : zeroBucket

/** The upper bound of the bucket that a duration in µs lies in, and how many of a histogram are longer than that. */
export const boundAbove = (us: number): { us: number; countAbove: (histogram: Histogram) => number } => {
  const bound = bucketOf(us)
  return {
    us: bound === zeroBucket ? 0 : 2 ** ((bound + 1) / 32),
    countAbove: ({ buckets, counts }) =>
      buckets.reduce((sum, bucket, at) => sum + (bucket > bound ? counts[at]! : 0), 0),
  }
}

/** Buckets above zero lie between -32 and 2,016, whatever an int8 of µs holds: they are counted by place. */
const firstBucket = -64
const places = 2_112

/** All of them together; their buckets may be in any order. */
export const mergeHistograms = (histograms: readonly Histogram[]): Histogram => {
  const merged = new Float64Array(places)
  let zeros = 0
  let minUs = Number.POSITIVE_INFINITY
  let maxUs = 0
  for (const one of histograms) {
    minUs = Math.min(minUs, one.minUs)
    maxUs = Math.max(maxUs, one.maxUs)
    for (let at = 0; at < one.buckets.length; at += 1) {
      const bucket = one.buckets[at]!
      if (bucket === zeroBucket) zeros += one.counts[at]!
      else merged[bucket - firstBucket]! += one.counts[at]!
    }
  }
  const buckets: number[] = zeros > 0 ? [zeroBucket] : []
  const counts: number[] = zeros > 0 ? [zeros] : []
  for (let at = 0; at < places; at += 1) {
    if (merged[at] === 0) continue
    buckets.push(at + firstBucket)
    counts.push(merged[at]!)
  }
  return { buckets, counts, minUs, maxUs }
}

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
