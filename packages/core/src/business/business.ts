import { context } from '@opentelemetry/api'
import { notice } from '../notice.js'
import { operationOf } from '../operation-context.js'
import { slot } from '../runtime.js'
import { decimalText, fromMinor, sumDecimals, toMinor } from './decimal.js'
import type { Instrument } from './instrument.js'
import { checkLabels, closeLabels, type LabelSet, type LabelsOf } from './labels.js'

/** Counts events that matter to the business. */
export interface Counter<L extends LabelSet> {
  /** Adds a finite number >= 0. Anything else is refused and counted, never thrown. */
  add(value: number, labels: LabelsOf<L>): void
}

/** Sums amounts of one currency, exactly. */
export interface Money<L extends LabelSet> {
  /**
   * Adds an amount: a decimal text such as `'129.90'`, or a number with no more places than the currency has. NaN, Infinity, too many
   * places and (unless `signed`) negative amounts are refused and counted, never thrown.
   */
  add(amount: string | number, labels: LabelsOf<L>): void
}

interface InstrumentOptions<L extends LabelSet> {
  /** Every label and all its values. */
  labels?: L
  description?: string
}

interface CounterOptions<L extends LabelSet> extends InstrumentOptions<L> {
  /** UCUM, for example `{vehicle}`. Default `1`. */
  unit?: string
}

interface MoneyOptions<L extends LabelSet> extends InstrumentOptions<L> {
  /** ISO 4217, for example `USD`; becomes the label `currency`. */
  currency: string
  /** Allows negative amounts (refunds); the metric is then no longer a monotonic counter. */
  signed?: boolean
}

const NAME = /^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$/

function counter<const L extends LabelSet = Record<never, never>>(
  name: string,
  options: CounterOptions<L> = {},
): Counter<L> {
  const labels = options.labels ?? {}
  const instrument = define('counter', name, labels, 0, true, options.unit ?? '1', options.description)
  return {
    add(value, given) {
      if (slot.runtime === undefined) return
      const text = typeof value === 'number' && value >= 0 ? decimalText(value) : undefined
      if (text === undefined)
        notice('business_value_refused', `${instrument.name}: not a finite number >= 0 of at most 18 places`)
      else measure(instrument, value, text, labels, given)
    },
  }
}

function money<const L extends LabelSet = Record<never, never>>(
  name: string,
  options: MoneyOptions<L>,
): Money<L> {
  const labels = options.labels ?? {}
  const currency = options.currency
  const scale = currencyScale(name, currency)
  const signed = options.signed === true
  if ('currency' in labels) throw new TypeError(`${name}: the label currency is set by the option`)
  const instrument = define('money', name, labels, scale, !signed, '{currency}', options.description)
  return {
    add(amount, given) {
      if (slot.runtime === undefined) return
      const text = typeof amount === 'number' ? decimalText(amount) : amount
      const minor = typeof text === 'string' ? toMinor(text, scale) : undefined
      if (minor === undefined)
        notice('business_value_refused', `${instrument.name}: not a decimal with at most ${scale} places`)
      else if (minor < 0n && !signed)
        notice('business_value_refused', `${instrument.name}: negative, and the metric is not signed`)
      else measure(instrument, minor, fromMinor(minor, scale), labels, given, { currency })
    },
  }
}

/** Labels are the caller's objects: one whose getter throws costs the measurement, never the call. */
function measure(
  instrument: Instrument,
  value: number | bigint,
  text: string,
  declared: LabelSet,
  given: Record<string, unknown> | undefined,
  fixed?: Record<string, string>,
): void {
  try {
    const labels = { ...closeLabels(instrument.name, declared, given), ...fixed }
    operationOf(context.active())?.addBusiness(instrument.name, labels, text, sumDecimals)
    slot.runtime?.measure(instrument, value, labels)
  } catch (problem) {
    notice('internal_error', instrument.name, problem)
  }
}

function define(
  kind: Instrument['kind'],
  name: string,
  labels: LabelSet,
  scale: number,
  monotonic: boolean,
  unit: string,
  description = '',
): Instrument {
  if (typeof name !== 'string' || name.length > 100 || !NAME.test(name)) {
    throw new TypeError(
      `business.${kind}: the name '${name}' is not of the form ${NAME.source}, at most 100 characters`,
    )
  }
  checkLabels(name, labels)
  return { kind, name: `business.${name}`, unit, description, labels, scale, monotonic }
}

/** Places of the currency, as ISO 4217 has them: known to Intl. */
function currencyScale(name: string, currency: string): number {
  if (!/^[A-Z]{3}$/.test(currency))
    throw new TypeError(`${name}: currency '${currency}' is not a code of ISO 4217 such as USD`)
  const format = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions()
  return format.maximumFractionDigits ?? 2
}

/** Metrics of the business: routed apart from the operational ones, and kept on the record of the operation they are measured in. */
export const business: { counter: typeof counter; money: typeof money } = { counter, money }
