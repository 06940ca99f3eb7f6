import { context } from '@opentelemetry/api'
import { fromMinor, type Instrument, operationOf } from '@throughline/core/runtime'
import type { Metric } from '@throughline/otlp'
import type { Notices } from '../notices.js'
import {
  type BusinessSeries,
  type Claim,
  counterSeries,
  gaugeSeries,
  histogramSeries,
  moneySeries,
} from './business-series.js'
import { takeExemplar } from './exemplar.js'
import type { HistogramPoint, NumberPoint, PointTimes } from './points.js'

/** Label sets are closed and instruments have a cap of series; this bounds instruments made at run time. */
const MAX_INSTRUMENTS = 500

type AnySeries = BusinessSeries<NumberPoint> | BusinessSeries<HistogramPoint>
type AnyClaim = Claim<NumberPoint> | Claim<HistogramPoint>

/** A metric: all instruments of one name, which differ in their currency at most. */
interface Family {
  readonly owner: object
  readonly instrument: Instrument
  readonly series: Map<string, AnySeries>
  /** By the label object itself: core gives the same one for equal labels. */
  readonly byLabels: WeakMap<object, AnySeries>
}

export interface BusinessMetrics {
  measure(instrument: Instrument, value: number | bigint, labels: Record<string, string>): void
  /** Everything since the start: what the metrics page shows. */
  collect(times: PointTimes): Metric[]
  /** What an export sends, by the temporality; `settle` says whether it arrived, so that nothing of a failed one is lost. */
  export(times: PointTimes): { metrics: Metric[]; settle(delivered: boolean): void }
}

/** The metrics of the scope `throughline.business`. */
export function createBusinessMetrics(
  notices: Notices,
  options: { temporality?: 'cumulative' | 'delta' } = {},
): BusinessMetrics {
  const owner = {}
  /** By name: what is made twice, in two modules or two copies of core, is one metric. */
  const families = new Map<string, Family>()
  /** The end of the last export that was delivered. */
  let deliveredUntil = 0n

  function familyOf(instrument: Instrument): Family | undefined {
    const bound = instrument.bound as Family | undefined
    if (bound?.owner === owner) return bound
    let known = families.get(instrument.name)
    if (known === undefined) {
      if (families.size >= MAX_INSTRUMENTS) {
        const detail = `${MAX_INSTRUMENTS} business metrics exist; ${instrument.name} has no series`
        notices.note('series_overflow', detail)
        return undefined
      }
      known = { owner, instrument, series: new Map(), byLabels: new WeakMap() }
      families.set(instrument.name, known)
    }
    instrument.bound = known
    return known
  }

  function seriesOf(family: Family, instrument: Instrument, labels: Record<string, string>): AnySeries {
    const found = family.byLabels.get(labels)
    if (found !== undefined) return found
    let key = Object.values(labels).join('\u0000')
    let kept = labels
    if (!family.series.has(key) && family.series.size >= instrument.maxSeries) {
      const { currency } = labels
      kept = { ...(currency === undefined ? {} : { currency }), 'otel.metric.overflow': 'true' }
      key = `\u0000${currency ?? ''}`
      notices.note(
        'series_overflow',
        `${instrument.name} has ${instrument.maxSeries} series; further labels share the overflow`,
      )
    }
    let series = family.series.get(key)
    if (series === undefined) {
      series = create(instrument, kept)
      family.series.set(key, series)
    }
    family.byLabels.set(labels, series)
    return series
  }

  function metric(
    { instrument }: Family,
    points: (NumberPoint | HistogramPoint)[],
    temporality: Temporality,
  ): Metric {
    const { name, description, unit, kind, monotonic } = instrument
    const about = { name, description, unit }
    if (kind === 'gauge') return { ...about, data: { kind, points: points as NumberPoint[] } }
    if (kind === 'histogram')
      return { ...about, data: { kind, temporality, points: points as HistogramPoint[] } }
    return { ...about, data: { kind: 'sum', monotonic, temporality, points: points as NumberPoint[] } }
  }

  function collect(times: PointTimes): Metric[] {
    return [...families.values()].map((family) =>
      metric(
        family,
        [...family.series.values()].map((one) => one.total(times)),
        'cumulative',
      ),
    )
  }

  return {
    measure(instrument, value, labels) {
      const family = familyOf(instrument)
      if (family === undefined) return
      const series = seriesOf(family, instrument, labels)
      const place = series.record(value)
      const operation = operationOf(context.active())
      if (operation === undefined) return
      const shown = typeof value === 'bigint' ? Number(fromMinor(value, instrument.scale)) : value
      series.exemplars[place] = takeExemplar(
        series.exemplars[place],
        operation,
        shown,
        performance.now(),
        notices,
      )
    },
    collect,
    export(times) {
      if (options.temporality !== 'delta') return { metrics: collect(times), settle() {} }
      const since = deliveredUntil === 0n ? times.startTimeUnixNano : deliveredUntil
      const part = { startTimeUnixNano: since, timeUnixNano: times.timeUnixNano }
      const claims: AnyClaim[] = []
      const metrics = [...families.values()].map((family) => {
        const all = [...family.series.values()]
        // What goes down again as well as up stays cumulative, as OpenTelemetry's own preference has it.
        if (family.instrument.kind === 'money' && !family.instrument.monotonic)
          return metric(
            family,
            all.map((one) => one.total(times)),
            'cumulative',
          )
        const claimed = all.map((one) => one.claim(part)).filter((one) => one !== undefined)
        claims.push(...claimed)
        return metric(
          family,
          claimed.map((one) => one.point),
          'delta',
        )
      })
      return {
        metrics,
        settle(delivered) {
          for (const claim of claims) claim.settle(delivered)
          if (delivered && times.timeUnixNano > deliveredUntil) deliveredUntil = times.timeUnixNano
        },
      }
    },
  }
}

type Temporality = 'cumulative' | 'delta'

function create(instrument: Instrument, labels: Record<string, string>): AnySeries {
  switch (instrument.kind) {
    case 'counter':
      return counterSeries(labels)
    case 'gauge':
      return gaugeSeries(labels)
    case 'histogram':
      return histogramSeries(labels, instrument)
    case 'money':
      return moneySeries(labels, instrument)
  }
}
