import { unixNano as toUnixNano } from '@throughline/core/runtime'
import type { Attributes, Metric } from '@throughline/otlp'
import type { DurationSeries, ExemplarSlot, SumSeries } from './series.js'

type Data = Metric['data']
export type NumberPoint = Extract<Data, { kind: 'sum' }>['points'][number]
export type HistogramPoint = Extract<Data, { kind: 'histogram' }>['points'][number]
type Exemplar = NonNullable<NumberPoint['exemplars']>[number]

/** When the counting began, and now; nanoseconds since 1970. */
export interface PointTimes {
  readonly startTimeUnixNano: bigint
  readonly timeUnixNano: bigint
}

export function sumPoint(series: SumSeries, value: number, times: PointTimes): NumberPoint {
  return {
    ...times,
    attributes: series.labels,
    value,
    exemplars: series.exemplar === undefined ? [] : [exemplar(series.exemplar)],
  }
}

export function durationPoint(
  series: DurationSeries,
  bounds: readonly number[],
  times: PointTimes,
): HistogramPoint {
  return {
    ...times,
    attributes: series.labels,
    count: series.count,
    sum: series.sum,
    min: series.min,
    max: series.max,
    bounds,
    bucketCounts: [...series.counts],
    exemplars: series.exemplars.filter((slot) => slot !== undefined).map(exemplar),
  }
}

/** The exemplars that were taken after this moment. */
export function exemplarsSince(slots: readonly (ExemplarSlot | undefined)[], unixNano: bigint): Exemplar[] {
  return slots
    .filter((slot) => slot !== undefined && toUnixNano(slot.steadyMs) > unixNano)
    .map((slot) => exemplar(slot!))
}

function exemplar(slot: ExemplarSlot): Exemplar {
  const attributes: Attributes = slot.correlationId === '' ? {} : { 'correlation.id': slot.correlationId }
  return {
    timeUnixNano: toUnixNano(slot.steadyMs),
    value: slot.value,
    traceId: slot.traceId,
    spanId: slot.spanId,
    attributes,
  }
}
