import { type Calculation, calculate, type Fact } from '@throughline/postgres/value'
import type { Pool } from 'pg'
import { plural } from '../plural.js'
import { describeFigures } from './describe.js'
import type { Figure, ValueReport } from './figure.js'
import { fractionOf, plus, short } from './fraction.js'
import { dayOf, type Gathered, gather } from './gather.js'
import { type ValueModel, valueOn } from './model.js'
import { type Period, periodOf } from './period.js'

export type ReportOptions = {
  /** Which period; default this month. Names: see `Period`. */
  period?: string | undefined
  now?: Date
}

/**
 * The model's answer for a period: each figure with its formula, its inputs and where they are from, its row count, and
 * SQL that gives the same number. Throws `TL_VALUE_PERIOD`; what Postgres says passes through.
 */
export const valueReport = async (
  pool: Pool,
  model: ValueModel,
  options: ReportOptions = {},
): Promise<ValueReport> => {
  const now = options.now ?? new Date()
  const period = periodOf(options.period, now)
  const gathered = await gather(pool, model, period)
  const calculation: Calculation = {
    scale: model.scale,
    invested: sumOf(gathered.invested),
    seconds: (period.until.getTime() - period.from.getTime()) / 1000,
    until: period.until,
  }
  const described = describeFigures({ model, period, gathered, calculation })
  const values = await calculate(
    pool,
    factsOf(model, period, gathered),
    described.map(({ measure }) => measure),
    calculation,
  )
  return {
    model: model.name,
    file: model.file,
    modelSha256: model.sha256,
    currency: model.currency,
    period: {
      name: period.name,
      from: period.from.toISOString(),
      until: period.until.toISOString(),
      complete: period.complete,
    },
    since: gathered.since,
    figures: described.map(({ measure: _, ...figure }, at) => withValue(figure, values[at] ?? null, period)),
    names: { ...model.names },
    warnings: warningsOf(model, period, gathered),
    madeAt: now.toISOString(),
  }
}

const withValue = (figure: Omit<Figure, 'value'>, value: string | null, period: Period): Figure => {
  const { name, unit, formula, inputs, rows, sql } = figure
  const note =
    name !== 'break_even_date' || value === null
      ? figure.note
      : value < dayOf(period.until)
        ? 'reached'
        : `projected; ${figure.note}`
  return { name, value, unit, formula, inputs, rows, sql, note }
}

const factsOf = (model: ValueModel, period: Period, gathered: Gathered): Fact[] =>
  gathered.facts.map(({ source, day, count, successes, sumUs, business }) => {
    const operation = model.operations[source]!
    const assumed = (assumption: typeof operation.minutesSaved): string | null =>
      assumption === null ? null : (valueOn(assumption, day)?.value ?? null)
    return {
      operation: operation.name,
      day,
      in_period: day >= dayOf(period.from),
      to_date: gathered.since !== null && day >= gathered.since,
      count,
      successes,
      sum_us: sumUs,
      business,
      minutes: assumed(operation.minutesSaved),
      rate: assumed(operation.hourlyRate),
    }
  })

const sumOf = (amounts: readonly string[]): string =>
  short(amounts.map((amount) => fractionOf(amount)!).reduce(plus, { n: 0n, d: 1n }), 10)

const warningsOf = (model: ValueModel, period: Period, gathered: Gathered): string[] => {
  const warnings: string[] = []
  for (const [source, operation] of model.operations.entries())
    for (const [what, assumption] of [
      ['minutes_saved', operation.minutesSaved],
      ['hourly_rate', operation.hourlyRate],
    ] as const) {
      if (assumption === null) continue
      const bare = gathered.facts.filter(
        (fact) =>
          fact.source === source && fact.successes !== '0' && valueOn(assumption, fact.day) === undefined,
      )
      if (bare.length === 0) continue
      const successes = bare.reduce((sum, fact) => sum + Number(fact.successes), 0)
      warnings.push(
        `${plural(successes, 'success', 'successes')} of ${operation.name} from ${bare[0]!.day} to ${bare.at(-1)!.day} ${successes === 1 ? 'counts' : 'count'} for nothing: ${what} (${assumption.name}) has no value for those days`,
      )
    }
  const { eligibleUsers } = model
  const day = dayOf(new Date(period.until.getTime() - 1))
  if (eligibleUsers !== null && valueOn(eligibleUsers, day) === undefined)
    warnings.push(`eligible_users (${eligibleUsers.name}) has no value for ${day}`)
  for (const [at, { name }] of model.ratios.entries()) {
    const { numerator, denominator } = gathered.ratios[at]!
    const hours = numerator.lostHours + denominator.lostHours
    if (hours > 0)
      warnings.push(
        `ratio.${name} leaves out ${plural(hours, 'hour')} whose rows are gone and were not counted before`,
      )
  }
  const from =
    gathered.since !== null && gathered.since < dayOf(period.from) ? gathered.since : dayOf(period.from)
  if (gathered.rowsSince !== null && dayOf(gathered.rowsSince) > from)
    warnings.push(
      `rows before ${dayOf(gathered.rowsSince)} are gone; the figures have them from the sums, the SQL over rows has not`,
    )
  if (gathered.erased > 0)
    warnings.push(
      `${plural(gathered.erased, 'row')} of these days ${gathered.erased === 1 ? 'was' : 'were'} erased (throughline erase) and ${gathered.erased === 1 ? 'is' : 'are'} in no figure`,
    )
  if (!period.complete) warnings.push(`${period.name} is not over`)
  return warnings
}
