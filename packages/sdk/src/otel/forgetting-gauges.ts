import type { AggregationTemporality, InstrumentType } from '@opentelemetry/sdk-metrics'

type Select = (type: InstrumentType) => AggregationTemporality

/** AggregationTemporality.DELTA: this file is read before the package is loaded. */
const DELTA = 0 as AggregationTemporality

/**
 * A gauge has no temporality on the wire. To OpenTelemetry's reader it has one: as cumulative, a series that its callback observes no more
 * is repeated with its last value for good, as delta it is left out.
 */
export const forgettingGauges =
  (usual: Select): Select =>
  (type) =>
    type === 'OBSERVABLE_GAUGE' ? DELTA : usual(type)
