import type { FactSource } from './value-facts.js'
import { type Calculation, formulaOf, type Measure } from './value-figures.js'
import { numberLiteral, type RowFilter, rowCondition, textLiteral, timeLiteral } from './value-filter.js'
import { servicesCondition } from './value-users.js'

/** A time of one operation under one set of assumptions. */
export type Stretch = {
  operation: string
  source: FactSource
  from: Date
  until: Date
  inPeriod: boolean
  toDate: boolean
  minutes: string | null
  rate: string | null
}

const decimal = String.raw`'^-?[0-9]{1,100}(\.[0-9]{1,100})?$'`

/** The rows of a time, counted; the report reads the same numbers from the sums. */
const stretchSelect = (stretch: Stretch, byDay: boolean): string => {
  const { operation, source, inPeriod, toDate } = stretch
  const number = (value: string | null): string => (value === null ? 'NULL::numeric' : numberLiteral(value))
  const day = byDay ? `\n    (started_at AT TIME ZONE 'UTC')::date AS day,` : ''
  return `  SELECT ${textLiteral(operation)} AS operation, ${inPeriod} AS in_period, ${toDate} AS to_date,${day}
    count(*) AS count, count(*) FILTER (WHERE success) AS successes, sum(duration_us) AS sum_us,
    ${businessSum(source)} AS business, ${number(stretch.minutes)} AS minutes, ${number(stretch.rate)} AS rate
  FROM throughline.operations
  WHERE ${windowCondition(stretch)}
    AND ${rowCondition(source.filter)}${byDay ? `\n  GROUP BY (started_at AT TIME ZONE 'UTC')::date` : ''}`
}

const windowCondition = ({ from, until }: { from: Date; until: Date }): string =>
  `started_at >= ${timeLiteral(from)} AND started_at < ${timeLiteral(until)}`

// CASE, as AND promises no order: a cast must not see what is no number.
const businessSum = ({ business }: FactSource): string =>
  business === undefined
    ? '0::numeric'
    : `sum((
      SELECT sum(CASE WHEN e ->> 'value' ~ ${decimal} THEN (e ->> 'value')::numeric END)
      FROM jsonb_array_elements(CASE WHEN jsonb_typeof(business) = 'array' THEN business END) AS e
      WHERE e ->> 'name' = ${textLiteral(business.name)} AND e ->> 'kind' IS NULL
        AND e -> 'labels' @> ${textLiteral(JSON.stringify(business.labels))}::jsonb
    ))`

/**
 * SQL for psql that gives the same number as the report, from the rows alone: nothing of it needs the sums, the model
 * file or this program.
 */
export const sqlOf = (measure: Measure, calculation: Calculation, stretches: readonly Stretch[]): string => {
  const formula = formulaOf(measure, calculation)
  if (!formula.includes('FROM fact')) return `${formula};`
  const byDay = measure.of === 'break_even_date'
  const selects = stretches
    .filter((stretch) => isNeeded(measure, stretch))
    .map((stretch) => stretchSelect(stretch, byDay))
  return `WITH fact AS (\n${selects.join('\n  UNION ALL\n')}\n)\n${formula};`
}

const isNeeded = (measure: Measure, stretch: Stretch): boolean => {
  if ('operation' in measure && measure.operation !== undefined && measure.operation !== stretch.operation)
    return false
  switch (measure.of) {
    case 'break_even_date':
      return true
    case 'savings_to_date':
    case 'net_value':
    case 'savings_over_cost_percent':
    case 'net_roi_percent':
      return stretch.toDate
    default:
      return stretch.inPeriod
  }
}

type Window = { from: Date; until: Date }

/** A scalar subselect: how many rows of a time match. */
export const countSql = (window: Window, filter: RowFilter): string =>
  `(SELECT count(*) FROM throughline.operations WHERE ${windowCondition(window)}\n  AND ${rowCondition(filter)})`

/** A scalar subselect: different users with a success. */
export const usersSql = (window: Window, operationServices: readonly string[]): string =>
  `(SELECT count(DISTINCT user_id) FROM throughline.operations WHERE ${windowCondition(window)}
  AND ${servicesCondition(operationServices)} AND success AND user_id <> '')`
