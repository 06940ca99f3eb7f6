import type { Queryable } from '../rollups/window.js'
import { numberLiteral, textLiteral, timeLiteral } from './value-filter.js'

/**
 * One row of the relation `fact`, on which all formulas are written: a day, or any longer time, of one operation under
 * one set of assumptions.
 */
export type Fact = {
  operation: string
  day: string
  in_period: boolean
  to_date: boolean
  count: string
  successes: string
  sum_us: string
  business: string
  /** Null: nothing is assumed for that day. */
  minutes: string | null
  rate: string | null
}

export type Measure =
  | { of: 'successes' | 'average_ms' | 'hours_saved' | 'savings'; operation?: string | undefined }
  | { of: 'savings_to_date' | 'net_value' | 'savings_over_cost_percent' | 'net_roi_percent' }
  | { of: 'yearly_savings_projected' | 'payback_months' | 'break_even_date' }
  | { of: 'share'; part: string; whole: string }
  | { of: 'number'; value: string }
  | { of: 'sum' | 'product'; values: readonly string[] }
  | { of: 'product_over_cost_percent' | 'product_net_roi_percent'; values: readonly string[]; cost: string }

/** What the formulas need beside the facts. */
export type Calculation = {
  /** Decimal places of the currency. */
  scale: number
  /** Everything invested up to the end of the period. */
  invested: string
  /** Length of the period so far, in seconds. */
  seconds: number
  until: Date
}

const yearSeconds = 31_536_000
/** Beyond a hundred years no date is given. */
const maxDays = 36_525

// Sixty times the money, so that minutes stay whole: the one division comes last.
const sixtyfold = '(coalesce(sum(successes * minutes * rate), 0) + 60 * coalesce(sum(business), 0))'

/** The formula as one SQL select over `fact`, of one row and one column. Numbers are exact and rounded once. */
export const formulaOf = (measure: Measure, calculation: Calculation): string => {
  const { scale, seconds, until } = calculation
  const cost = `60 * ${numberLiteral(calculation.invested)}`
  const money = (dividend: string, divisor: string): string =>
    `throughline.quotient(${dividend}, ${divisor}, ${scale})`
  const trimmed = (dividend: string, divisor: string, places: number): string =>
    `trim_scale(throughline.quotient(${dividend}, ${divisor}, ${places}))`
  switch (measure.of) {
    case 'successes':
      return `SELECT coalesce(sum(successes), 0)${ofPeriod(measure)}`
    case 'average_ms':
      return `SELECT ${trimmed('sum(sum_us)', '1000 * sum(count)', 3)}${ofPeriod(measure)}`
    case 'hours_saved':
      return `SELECT ${trimmed('coalesce(sum(successes * minutes), 0)', '60', 4)}${ofPeriod(measure)}`
    case 'savings':
      return `SELECT ${money(sixtyfold, '60')}${ofPeriod(measure)}`
    case 'savings_to_date':
      return `SELECT ${money(sixtyfold, '60')}${toDate}`
    case 'net_value':
      return `SELECT ${money(`${sixtyfold} - ${cost}`, '60')}${toDate}`
    case 'savings_over_cost_percent':
      return `SELECT ${trimmed(`100 * ${sixtyfold}`, cost, 2)}${toDate}`
    case 'net_roi_percent':
      return `SELECT ${trimmed(`100 * (${sixtyfold} - ${cost})`, cost, 2)}${toDate}`
    case 'yearly_savings_projected':
      return `SELECT ${money(`${sixtyfold} * ${yearSeconds}`, `60 * ${seconds}`)}${ofPeriod({})}`
    case 'payback_months':
      return `SELECT ${trimmed(`12 * ${cost} * ${seconds}`, `nullif(${sixtyfold}, 0) * ${yearSeconds}`, 2)}${ofPeriod({})}`
    case 'break_even_date':
      return breakEven(cost, seconds, until)
    case 'share':
      return `SELECT ${trimmed(`100 * ${measure.part}`, measure.whole, 2)}`
    case 'number':
      return `SELECT ${measure.value}`
    case 'sum':
      return `SELECT ${money(measure.values.map(numberLiteral).join(' + ') || '0', '1')}`
    case 'product':
      return `SELECT ${money(measure.values.map(numberLiteral).join(' * '), '1')}`
    case 'product_over_cost_percent':
      return `SELECT ${trimmed(`100 * ${measure.values.map(numberLiteral).join(' * ')}`, numberLiteral(measure.cost), 2)}`
    case 'product_net_roi_percent': {
      const planned = measure.values.map(numberLiteral).join(' * ')
      const invested = numberLiteral(measure.cost)
      return `SELECT ${trimmed(`100 * (${planned} - ${invested})`, invested, 2)}`
    }
  }
}

const ofPeriod = ({ operation }: { operation?: string | undefined }): string =>
  ` FROM fact WHERE in_period${operation === undefined ? '' : ` AND operation = ${textLiteral(operation)}`}`

const toDate = ' FROM fact WHERE to_date'

/** The day on which the sum of the savings reached the cost; else, from the end on, the day on which it would. */
const breakEven = (cost: string, seconds: number, until: Date): string => `SELECT coalesce((
  SELECT min(day) FROM (
    SELECT day, sum(${sixtyfold}) OVER (ORDER BY day) AS total FROM fact WHERE to_date GROUP BY day
  ) AS running WHERE total >= ${cost}
), (
  SELECT (${timeLiteral(until)} AT TIME ZONE 'UTC')::date + days::int4 FROM (
    SELECT div(open, gain) + CASE WHEN mod(open, gain) > 0 THEN 1 ELSE 0 END AS days FROM (
      SELECT (${cost} - (SELECT ${sixtyfold}${toDate})) * ${seconds} AS open,
        nullif((SELECT ${sixtyfold}${ofPeriod({})}), 0) * 86400 AS gain
    ) AS rate WHERE gain > 0
  ) AS projected WHERE days <= ${maxDays}
))`

const columns = `operation text, day date, in_period bool, to_date bool, count numeric, successes numeric, sum_us numeric,
  business numeric, minutes numeric, rate numeric`

/** All measures of one set of facts, in one statement; null where there is nothing to divide by. */
export const calculate = async (
  db: Queryable,
  facts: readonly Fact[],
  measures: readonly Measure[],
  calculation: Calculation,
): Promise<(string | null)[]> => {
  const { rows } = await db.query<Record<string, string | null>>(
    `WITH fact AS MATERIALIZED (SELECT * FROM jsonb_to_recordset($1::jsonb) AS f(${columns}))
SELECT ${measures.map((measure, at) => `(${formulaOf(measure, calculation)})::text AS "${at}"`).join(',\n')}`,
    [JSON.stringify(facts)],
  )
  return measures.map((_, at) => rows[0]?.[at] ?? null)
}
