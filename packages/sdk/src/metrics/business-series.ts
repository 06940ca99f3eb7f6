import { fromMinor, type Instrument } from '@throughline/core/runtime'
import { exemplarsSince, type HistogramPoint, type NumberPoint, type PointTimes } from './points.js'
import type { ExemplarSlot } from './series.js'

/** What came since the last claim. `settle(false)` gives it back: it is part of the next claim. */
export interface Claim<Point> {
  readonly point: Point
  settle(delivered: boolean): void
}

/** One combination of labels of one instrument. */
export interface BusinessSeries<Point> {
  readonly labels: Record<string, string>
  /** One a bucket; the other kinds have one. */
  readonly exemplars: (ExemplarSlot | undefined)[]
  /** Adds a measurement; returns the place of its exemplar. */
  record(value: number | bigint): number
  /** Since the start. */
  total(times: PointTimes): Point
  /** Since the last claim that was delivered or is under way; undefined when nothing came. */
  claim(times: PointTimes): Claim<Point> | undefined
}

/** A counter: a sum of floating-point numbers that carries along what each addition rounds off (Neumaier 1974). */
export function counterSeries(labels: Record<string, string>): BusinessSeries<NumberPoint> {
  const sum = compensatedSum()
  let claimed = 0
  const exemplars: (ExemplarSlot | undefined)[] = [undefined]
  return {
    labels,
    exemplars,
    record(value) {
      sum.add(value as number)
      return 0
    },
    total: (times) => ({
      ...times,
      attributes: labels,
      value: sum.value(),
      exemplars: exemplarsSince(exemplars, 0n),
    }),
    claim(times) {
      const part = sum.value() - claimed
      if (part === 0) return undefined
      claimed += part
      return {
        point: {
          ...times,
          attributes: labels,
          value: part,
          exemplars: exemplarsSince(exemplars, times.startTimeUnixNano),
        },
        settle(delivered) {
          if (!delivered) claimed -= part
        },
      }
    },
  }
}

/** Money: whole minor units, so that no addition rounds; the one rounding is that of the exported number. */
export function moneySeries(
  labels: Record<string, string>,
  { scale }: Instrument,
): BusinessSeries<NumberPoint> {
  let sum = 0n
  let claimed = 0n
  const exemplars: (ExemplarSlot | undefined)[] = [undefined]
  return {
    labels,
    exemplars,
    record(value) {
      sum += value as bigint
      return 0
    },
    total: (times) => ({
      ...times,
      attributes: labels,
      value: Number(fromMinor(sum, scale)),
      exemplars: exemplarsSince(exemplars, 0n),
    }),
    claim(times) {
      const part = sum - claimed
      if (part === 0n) return undefined
      claimed += part
      return {
        point: {
          ...times,
          attributes: labels,
          value: Number(fromMinor(part, scale)),
          exemplars: exemplarsSince(exemplars, times.startTimeUnixNano),
        },
        settle(delivered) {
          if (!delivered) claimed -= part
        },
      }
    },
  }
}

/** A gauge: the last value. There is no part of it, so a claim is the whole. */
export function gaugeSeries(labels: Record<string, string>): BusinessSeries<NumberPoint> {
  let last = 0
  const exemplars: (ExemplarSlot | undefined)[] = [undefined]
  const total = (times: PointTimes): NumberPoint => ({
    ...times,
    attributes: labels,
    value: last,
    exemplars: exemplarsSince(exemplars, 0n),
  })
  return {
    labels,
    exemplars,
    record(value) {
      last = value as number
      return 0
    },
    total,
    claim: (times) => ({ point: total(times), settle() {} }),
  }
}

/** A histogram: a count a bucket, and the sum. */
export function histogramSeries(
  labels: Record<string, string>,
  instrument: Instrument,
): BusinessSeries<HistogramPoint> {
  const bounds = instrument.bounds ?? []
  const counts = new Array<number>(bounds.length + 1).fill(0)
  const claimed = [...counts]
  const exemplars = new Array<ExemplarSlot | undefined>(counts.length).fill(undefined)
  const sum = compensatedSum()
  let claimedSum = 0
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  const count = (list: readonly number[]) => list.reduce((a, b) => a + b, 0)
  return {
    labels,
    exemplars,
    record(given) {
      const value = given as number
      let bucket = 0
      while (bucket < bounds.length && value > bounds[bucket]!) bucket += 1
      counts[bucket]! += 1
      sum.add(value)
      min = Math.min(min, value)
      max = Math.max(max, value)
      return bucket
    },
    total: (times) => ({
      ...times,
      attributes: labels,
      count: count(counts),
      sum: sum.value(),
      min,
      max,
      bounds,
      bucketCounts: [...counts],
      exemplars: exemplarsSince(exemplars, 0n),
    }),
    claim(times) {
      const part = counts.map((total, bucket) => total - claimed[bucket]!)
      if (count(part) === 0) return undefined
      const partSum = sum.value() - claimedSum
      const take = (sign: 1 | -1) => {
        part.forEach((one, bucket) => {
          claimed[bucket]! += sign * one
        })
        claimedSum += sign * partSum
      }
      take(1)
      return {
        // Without least and most: those of a part are not known, and those of all would mislead.
        point: {
          ...times,
          attributes: labels,
          count: count(part),
          sum: partSum,
          bounds,
          bucketCounts: part,
          exemplars: exemplarsSince(exemplars, times.startTimeUnixNano),
        },
        settle(delivered) {
          if (!delivered) take(-1)
        },
      }
    },
  }
}

function compensatedSum(): { add(value: number): void; value(): number } {
  let sum = 0
  let lost = 0
  return {
    add(value) {
      const next = sum + value
      lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum
      sum = next
    },
    value: () => sum + lost,
  }
}
