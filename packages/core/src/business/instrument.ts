import type { LabelSet } from './labels.js'

export type InstrumentKind = 'counter' | 'gauge' | 'histogram' | 'money'

/** What an SDK needs to know of a business metric. One object for the life of the process: an SDK may hang its series on it. */
export interface Instrument {
  readonly kind: InstrumentKind
  /** With the prefix `business.`. */
  readonly name: string
  readonly unit: string
  readonly description: string
  readonly labels: LabelSet
  /** Series the metric may have; what comes beyond shares one. */
  readonly maxSeries: number
  /** Decimal places of the smallest unit of money: 2 for USD, 0 for JPY and for every other kind. */
  readonly scale: number
  /** Whether values only ever add up. */
  readonly monotonic: boolean
  /** Upper bounds of a histogram's buckets, rising; the last bucket has none. */
  readonly bounds?: readonly number[]
  /** The SDK's own. */
  bound?: unknown
}
