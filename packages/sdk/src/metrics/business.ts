import { context } from '@opentelemetry/api'
import { fromMinor, type Instrument, operationOf, unixNano } from '@throughline/core/runtime'
import type { Metric } from '@throughline/otlp'
import type { Notices } from '../notices.js'
import { takeExemplar } from './exemplar.js'
import { type PointTimes, sumPoint } from './points.js'
import { type SumSeries, sumSeries } from './series.js'

/** Label sets are closed when an instrument is made (at most 1,000 combinations); this bounds instruments made at run time. */
const MAX_INSTRUMENTS = 500

interface Bound {
  readonly owner: object
  readonly instrument: Instrument
  readonly series: Map<string, SumSeries>
}

export interface BusinessMetrics {
  measure(instrument: Instrument, value: number | bigint, labels: Record<string, string>): void
  collect(times: PointTimes): Metric[]
}

/** Counters and money of the scope `throughline.business`. Money is summed in whole minor units and rounded once, at export. */
export function createBusinessMetrics(notices: Notices): BusinessMetrics {
  const owner = {}
  /** By name: what is made twice, in two modules or two copies of core, is one metric. */
  const instruments = new Map<string, Bound>()

  function bind(instrument: Instrument): Bound | undefined {
    const bound = instrument.bound as Bound | undefined
    if (bound?.owner === owner) return bound
    let known = instruments.get(instrument.name)
    if (known === undefined) {
      if (instruments.size >= MAX_INSTRUMENTS) {
        const detail = `${MAX_INSTRUMENTS} business metrics exist; ${instrument.name} has no series`
        notices.note('series_overflow', detail)
        return undefined
      }
      known = { owner, instrument, series: new Map() }
      instruments.set(instrument.name, known)
    } else if (!alike(known.instrument, instrument)) {
      // Two meanings under one name cannot be told apart in any store.
      notices.note('business_value_refused', `${instrument.name}: made twice, with different options`)
      return undefined
    }
    instrument.bound = known
    return known
  }

  return {
    measure(instrument, value, labels) {
      const bound = bind(instrument)
      if (bound === undefined) return
      const key = Object.values(labels).join('\u0000')
      let series = bound.series.get(key)
      if (series === undefined) {
        series = sumSeries(labels)
        bound.series.set(key, series)
      }
      if (typeof value === 'bigint') series.minor += value
      else series.value += value
      const operation = operationOf(context.active())
      if (operation === undefined) return
      const shown = typeof value === 'bigint' ? Number(fromMinor(value, instrument.scale)) : value
      series.exemplar = takeExemplar(series.exemplar, operation, shown, unixNano(performance.now()), notices)
    },
    collect: (times) =>
      [...instruments.values()].map(({ instrument, series }) => ({
        name: instrument.name,
        description: instrument.description,
        unit: instrument.unit,
        data: {
          kind: 'sum',
          monotonic: instrument.monotonic,
          temporality: 'cumulative',
          points: [...series.values()].map((one) => sumPoint(one, total(instrument, one), times)),
        },
      })),
  }
}

function alike(a: Instrument, b: Instrument): boolean {
  return (
    a.kind === b.kind &&
    a.unit === b.unit &&
    a.scale === b.scale &&
    a.monotonic === b.monotonic &&
    Object.keys(a.labels).join() === Object.keys(b.labels).join()
  )
}

function total(instrument: Instrument, series: SumSeries): number {
  return instrument.kind === 'money' ? Number(fromMinor(series.minor, instrument.scale)) : series.value
}
