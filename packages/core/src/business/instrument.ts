import type { LabelSet } from './labels.js'

/** What an SDK needs to know of a business metric. One object for the life of the process: an SDK may hang its series on it. */
export interface Instrument {
  readonly kind: 'counter' | 'money'
  /** With the prefix `business.`. */
  readonly name: string
  readonly unit: string
  readonly description: string
  readonly labels: LabelSet
  /** Decimal places of the smallest unit: 2 for USD, 0 for JPY and for counters. */
  readonly scale: number
  /** Whether values only ever grow. */
  readonly monotonic: boolean
  /** The SDK's own. */
  bound?: unknown
}
