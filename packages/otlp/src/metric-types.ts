import type { Attributes, Scope } from './types.js'

export interface Metric {
  name: string
  description?: string | undefined
  unit?: string | undefined
  data: MetricData
}

/** `none`: the metric carried no data, or data of a kind that OTLP did not have when this was written. */
export type MetricData =
  | { kind: 'sum'; monotonic: boolean; temporality: Temporality; points: NumberPoint[] }
  | { kind: 'gauge'; points: NumberPoint[] }
  | { kind: 'histogram'; temporality: Temporality; points: HistogramPoint[] }
  | { kind: 'exponentialHistogram'; temporality: Temporality; points: ExponentialHistogramPoint[] }
  | { kind: 'summary'; points: SummaryPoint[] }
  | { kind: 'none' }

export type Temporality = 'cumulative' | 'delta' | 'unspecified'

/** Times are nanoseconds since 1970; `flags` bit 0 says that there is no recorded value. */
interface Point {
  attributes: Attributes
  startTimeUnixNano: bigint
  timeUnixNano: bigint
  flags?: number | undefined
}

/** A bigint travels as `as_int`, a number as `as_double`, and so they come back. */
export interface NumberPoint extends Point {
  value: number | bigint
  exemplars?: Exemplar[] | undefined
}

/** Counts beyond 2^53 are rounded. `bucketCounts` has one entry more than `bounds`, or both are empty. */
export interface HistogramPoint extends Point {
  count: number
  sum?: number | undefined
  min?: number | undefined
  max?: number | undefined
  bounds: readonly number[]
  bucketCounts: readonly number[]
  exemplars?: Exemplar[] | undefined
}

/** Bucket `i` of `positive` counts values in (base^(offset+i), base^(offset+i+1)], base = 2^(2^-scale). */
export interface ExponentialHistogramPoint extends Point {
  count: number
  sum?: number | undefined
  min?: number | undefined
  max?: number | undefined
  scale: number
  zeroCount: number
  zeroThreshold?: number | undefined
  positive: { offset: number; bucketCounts: readonly number[] }
  negative: { offset: number; bucketCounts: readonly number[] }
  exemplars?: Exemplar[] | undefined
}

export interface SummaryPoint extends Point {
  count: number
  sum: number
  quantiles: { quantile: number; value: number }[]
}

export interface Exemplar {
  timeUnixNano: bigint
  value: number | bigint
  traceId?: string | undefined
  spanId?: string | undefined
  attributes?: Attributes | undefined
}

/** The metrics of one resource, grouped by scope, as one request carries them. */
export interface ResourceMetrics {
  resource: Attributes
  scopes: { scope: Scope; metrics: Metric[] }[]
}
