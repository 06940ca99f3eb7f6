import { context } from '@opentelemetry/api'
import { notice } from '../notice.js'
import { operationOf } from '../operation-context.js'
import { slot } from '../runtime.js'
import { currencyScale } from './currency.js'
import { decimalText, fromMinor, toMinor } from './decimal.js'
import { define, type InstrumentOptions } from './define.js'
import type { Instrument } from './instrument.js'
import { type LabelArguments, type LabelSet, labelCloser } from './labels.js'

/** Counts events that matter to the business. */
export interface Counter<L extends LabelSet> {
  /** Adds a finite number >= 0. Anything else is refused and counted, never thrown. */
  add(value: number, ...labels: LabelArguments<L>): void
}

/** A level that goes up and down, such as a stock: the last value counts. */
export interface Gauge<L extends LabelSet> {
  /** Sets the level: any finite number. Anything else is refused and counted, never thrown. */
  set(value: number, ...labels: LabelArguments<L>): void
}

/** How values are spread, such as the items of an order or the minutes of a delivery. */
export interface Histogram<L extends LabelSet> {
  /** Records a finite number >= 0. Anything else is refused and counted, never thrown. */
  record(value: number, ...labels: LabelArguments<L>): void
}

/** Sums amounts of one currency, exactly. */
export interface Money<L extends LabelSet> {
  /**
   * Adds an amount: a decimal text such as `'129.90'`, or a number with no more places than the currency has. NaN, Infinity, too many
   * places and (unless `signed`) negative amounts are refused and counted, never thrown.
   */
  add(amount: string | number, ...labels: LabelArguments<L>): void
}

interface UnitOptions<L extends LabelSet> extends InstrumentOptions<L> {
  /** UCUM, for example `{vehicle}` or `min`. Default `1`. */
  unit?: string
}

interface HistogramOptions<L extends LabelSet> extends UnitOptions<L> {
  /** Upper bounds of the buckets, rising, 1 to 100. Default 1, 2, 5, 10 … 10,000. */
  bounds?: readonly number[]
}

interface MoneyOptions<L extends LabelSet> extends InstrumentOptions<L> {
  /** ISO 4217, for example `USD`; becomes the label `currency`. One name may have several currencies, each defined. */
  currency: string
  /** Allows negative amounts (refunds); the metric is then no longer a monotonic counter. */
  signed?: boolean
}

/** Steps of 1, 2, 5 over four decades: at most a factor of 2.5 between two bounds, and bounds that people say. */
const DEFAULT_BOUNDS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000]

/** What {@link decimalText} takes. */
const PLACES = 'with at most 30 digits and 18 places'

type Given = [labels?: Record<string, unknown>]

function counter<const L extends LabelSet = Record<never, never>>(
  name: string,
  options: UnitOptions<L> = {},
): Counter<L> {
  const instrument = define(name, { kind: 'counter', options, unit: options.unit ?? '1', monotonic: true })
  return { add: numbers(instrument, (value) => value >= 0, `a finite number >= 0 ${PLACES}`) }
}

function gauge<const L extends LabelSet = Record<never, never>>(
  name: string,
  options: UnitOptions<L> = {},
): Gauge<L> {
  const instrument = define(name, { kind: 'gauge', options, unit: options.unit ?? '1', monotonic: false })
  return { set: numbers(instrument, Number.isFinite, `a finite number ${PLACES}`) }
}

function histogram<const L extends LabelSet = Record<never, never>>(
  name: string,
  options: HistogramOptions<L> = {},
): Histogram<L> {
  const bounds = [...checkBounds(name, options.bounds ?? DEFAULT_BOUNDS)]
  const unit = options.unit ?? '1'
  const instrument = define(name, { kind: 'histogram', options, unit, monotonic: true, bounds })
  return { record: numbers(instrument, (value) => value >= 0, `a finite number >= 0 ${PLACES}`) }
}

function money<const L extends LabelSet = Record<never, never>>(
  name: string,
  options: MoneyOptions<L>,
): Money<L> {
  const { currency, signed = false } = options
  const scale = currencyScale(name, currency)
  if ('currency' in (options.labels ?? {}))
    throw new TypeError(`${name}: the label currency is set by the option`)
  const instrument = define(name, {
    kind: 'money',
    options,
    unit: '{currency}',
    monotonic: !signed,
    scale,
    currency,
  })
  const measure = measurer(instrument, { currency })
  return {
    add(amount: string | number, ...[labels]: Given) {
      if (slot.runtime === undefined) return
      const text = typeof amount === 'number' ? decimalText(amount) : amount
      const minor = typeof text === 'string' ? toMinor(text, scale) : undefined
      if (minor === undefined)
        notice('business_value_refused', `${instrument.name}: not a decimal with at most ${scale} places`)
      else if (minor < 0n && !signed)
        notice('business_value_refused', `${instrument.name}: negative, and the metric is not signed`)
      else measure(minor, fromMinor(minor, scale), labels)
    },
  }
}

function checkBounds(name: string, bounds: readonly number[]): readonly number[] {
  const rising =
    Array.isArray(bounds) &&
    bounds.every((bound, i) => Number.isFinite(bound) && (i === 0 || bound > bounds[i - 1]!))
  if (!rising || bounds.length < 1 || bounds.length > 100)
    throw new TypeError(`${name}: bounds are 1 to 100 finite numbers, each larger than the one before`)
  return bounds
}

/** The method of a kind that measures numbers. */
function numbers(
  instrument: Instrument,
  allowed: (value: number) => boolean,
  wanted: string,
): (value: number, ...labels: Given) => void {
  const measure = measurer(instrument, {})
  return (value, labels) => {
    if (slot.runtime === undefined) return
    const text = typeof value === 'number' && allowed(value) ? decimalText(value) : undefined
    if (text === undefined) notice('business_value_refused', `${instrument.name}: not ${wanted}`)
    else measure(value, text, labels)
  }
}

/** Labels are the caller's objects: one whose getter throws costs the measurement, never the call. */
function measurer(
  instrument: Instrument,
  fixed: Record<string, string>,
): (value: number | bigint, text: string, given: Record<string, unknown> | undefined) => void {
  const close = labelCloser(instrument.name, instrument.labels, fixed, instrument.maxSeries)
  const { name, kind } = instrument
  const recorded = kind === 'gauge' || kind === 'histogram' ? kind : undefined
  return (value, text, given) => {
    try {
      const labels = close(given)
      operationOf(context.active())?.addBusiness(name, labels, text, recorded)
      slot.runtime?.measure(instrument, value, labels)
    } catch (problem) {
      notice('internal_error', name, problem)
    }
  }
}

/** Metrics of the business: routed apart from the operational ones, and kept on the record of the operation they are measured in. */
export const business: {
  counter: typeof counter
  gauge: typeof gauge
  histogram: typeof histogram
  money: typeof money
} = { counter, gauge, histogram, money }
