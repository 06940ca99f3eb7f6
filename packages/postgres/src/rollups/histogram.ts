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

/** One for all, emptied by whoever takes the sums out of it: hundreds of histograms are merged for one answer. */
const merging = new Float64Array(places)
let zeros = 0

const add = (bucket: number, count: number): void => {
  if (bucket === zeroBucket) zeros += count
  else merging[bucket - firstBucket]! += count
}

const taken = (minUs: number, maxUs: number): Histogram => {
  const buckets: number[] = zeros > 0 ? [zeroBucket] : []
  const counts: number[] = zeros > 0 ? [zeros] : []
  zeros = 0
  for (let at = 0; at < places; at += 1) {
    if (merging[at] === 0) continue
    buckets.push(at + firstBucket)
    counts.push(merging[at]!)
    merging[at] = 0
  }
  return { buckets, counts, minUs, maxUs }
}

/** All of them together; their buckets may be in any order. */
export const mergeHistograms = (histograms: readonly Histogram[]): Histogram => {
  let minUs = Number.POSITIVE_INFINITY
  let maxUs = 0
  for (const one of histograms) {
    minUs = Math.min(minUs, one.minUs)
    maxUs = Math.max(maxUs, one.maxUs)
    for (let at = 0; at < one.buckets.length; at += 1) add(one.buckets[at]!, one.counts[at]!)
  }
  return taken(minUs, maxUs)
}

const [minus, zeroDigit] = [0x2d, 0x30]

/** The whole numbers of a text one by one, NaN behind the last. `JSON.parse` of every array took twice as long. */
const numbersIn = (text: string): (() => number) => {
  let at = 0
  return () => {
    let code = text.charCodeAt(at)
    // What stands between numbers is below the digits or a brace.
    while (code !== minus && !(code >= zeroDigit && code < zeroDigit + 10)) {
      if (at >= text.length) return Number.NaN
      at += 1
      code = text.charCodeAt(at)
    }
    const negative = code === minus
    if (negative) at += 1
    let number = 0
    for (;;) {
      const digit = text.charCodeAt(at) - zeroDigit
      if (!(digit >= 0 && digit < 10)) return negative ? -number : number
      number = number * 10 + digit
      at += 1
    }
  }
}

/** Several histograms as Postgres writes their arrays, one after the other (`{3,4} {3}` and `{1,1} {2}`), together. */
export const parseHistograms = (buckets: string, counts: string, minUs: number, maxUs: number): Histogram => {
  const [nextBucket, nextCount] = [numbersIn(buckets), numbersIn(counts)]
  for (let bucket = nextBucket(); !Number.isNaN(bucket); bucket = nextBucket()) add(bucket, nextCount())
  return taken(minUs, maxUs)
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
