import {
  type Calculation,
  countSql,
  type Measure,
  type Stretch,
  sqlOf,
  usersSql,
} from '@throughline/postgres/value'
import type { Figure, Input } from './figure.js'
import { fractionOf, short } from './fraction.js'
import { dayOf, type Gathered, lastDay } from './gather.js'
import { type Assumption, perOperation, type ValuedOperation, type ValueModel, valueOn } from './model.js'
import type { Period } from './period.js'

/** A figure before its number; `measure` gives the number, `sql` says the same over rows. */
export type Described = Omit<Figure, 'value'> & { measure: Measure }

type Asked = { model: ValueModel; period: Period; gathered: Gathered; calculation: Calculation }

/** Every figure of a model: what it is made of, in words and as SQL. */
export const describeFigures = (asked: Asked): Described[] => [
  ...perOperation.map((of) => operationFigure(asked, of)),
  ...userFigures(asked),
  ...asked.model.operations.flatMap((operation) =>
    perOperation.map((of) => operationFigure(asked, of, operation)),
  ),
  ...asked.model.ratios.map((_, at) => ratioFigure(asked, at)),
  projectedFigure(asked),
  ...(asked.model.investments.length === 0 ? [] : investmentFigures(asked)),
  ...planFigures(asked),
]

const units = { successes: '1', average_ms: 'ms', hours_saved: 'h' } as const

const operationFigure = (
  asked: Asked,
  of: (typeof perOperation)[number],
  operation?: ValuedOperation,
): Described => {
  const { model, gathered } = asked
  const measure: Measure = { of, operation: operation?.name }
  const stretches = gathered.stretches.filter(
    (one) => one.inPeriod && (operation === undefined || one.operation === operation.name),
  )
  return {
    name: operation === undefined ? of : `${operation.name}.${of}`,
    unit: of === 'savings' ? model.currency : units[of],
    formula: formulaText(of, operation === undefined ? model.operations : [operation]),
    inputs: inputsOf(asked, stretches, of),
    rows: rowsOf(asked, stretches, of),
    sql: sqlOf(measure, asked.calculation, gathered.stretches),
    note: null,
    measure,
  }
}

const formulaText = (of: (typeof perOperation)[number], operations: readonly ValuedOperation[]): string => {
  const [only] = operations
  const sum = operations.length > 1 ? 'sum over operations of ' : ''
  if (of === 'successes') return `${sum}rows that succeeded`
  if (of === 'average_ms') return 'sum of durations ÷ rows, of all that completed, failures too'
  if (of === 'hours_saved') return `${sum}successes × minutes saved ÷ 60`
  if (only !== undefined && operations.length === 1 && only.business !== null && only.minutesSaved === null)
    return `sum of ${only.business.name}`
  const business = operations.some((one) => one.business !== null) ? ' + business values' : ''
  return `${sum}successes × minutes saved ÷ 60 × hourly rate${business}`
}

/** The facts of a stretch: days are never cut by one. */
const factsOf = ({ model, gathered }: Asked, stretch: Stretch) => {
  const source = model.operations.findIndex(({ name }) => name === stretch.operation)
  const [from, to] = [dayOf(stretch.from), dayOf(new Date(stretch.until.getTime() - 1))]
  return gathered.facts.filter((fact) => fact.source === source && fact.day >= from && fact.day <= to)
}

const rowsOf = (asked: Asked, stretches: readonly Stretch[], of: (typeof perOperation)[number]): number =>
  stretches
    .flatMap((stretch) => factsOf(asked, stretch))
    .reduce((sum, { count, successes, entries }) => {
      if (of === 'average_ms') return sum + Number(count)
      return sum + (of === 'savings' ? Math.max(Number(successes), Number(entries)) : Number(successes))
    }, 0)

const inputsOf = (
  asked: Asked,
  stretches: readonly Stretch[],
  of: (typeof perOperation)[number],
): Input[] => {
  const inputs: Input[] = []
  for (const stretch of stretches) {
    const facts = factsOf(asked, stretch)
    const total = (key: 'successes' | 'count' | 'sumUs' | 'business'): string =>
      totalOf(facts.map((fact) => fact[key]))
    const operation = asked.model.operations.find(({ name }) => name === stretch.operation)!
    const days = daysOf(stretch)
    const measured = (name: string, value: string, unit: string | null): Input => ({
      name: `${stretch.operation}.${name}`,
      value,
      unit,
      source: 'rows',
      detail: days,
    })
    if (of === 'average_ms') {
      inputs.push(measured('rows', total('count'), null), measured('sum_of_durations', total('sumUs'), 'µs'))
      continue
    }
    if (of === 'successes' || operation.minutesSaved !== null)
      inputs.push(measured('successes', total('successes'), null))
    if (of === 'successes') continue
    inputs.push(...assumed(asked.model, operation.minutesSaved, stretch.from, 'min'))
    if (of !== 'savings') continue
    inputs.push(...assumed(asked.model, operation.hourlyRate, stretch.from, `${asked.model.currency}/h`))
    if (operation.business !== null)
      inputs.push(measured(operation.business.name, total('business'), asked.model.currency))
  }
  const seen = new Set<string>()
  return inputs.filter((input) => {
    const key = JSON.stringify(input)
    return seen.has(key) ? false : seen.add(key)
  })
}

const totalOf = (decimals: readonly string[]): string => {
  let sum = { n: 0n, d: 1n }
  for (const decimal of decimals) {
    const value = fractionOf(decimal) ?? { n: 0n, d: 1n }
    const d = sum.d > value.d ? sum.d : value.d
    sum = { n: sum.n * (d / sum.d) + value.n * (d / value.d), d }
  }
  return short(sum, sum.d.toString().length - 1)
}

const daysOf = ({ from, until }: { from: Date; until: Date }): string =>
  `${dayOf(from)} to ${dayOf(new Date(until.getTime() - 1))}`

const assumed = (model: ValueModel, assumption: Assumption | null, on: Date, unit: string): Input[] => {
  const dated = assumption === null ? undefined : valueOn(assumption, dayOf(on))
  if (assumption === null || dated === undefined) return []
  return [
    {
      name: assumption.name,
      value: dated.value,
      unit: assumption.unit ?? unit,
      source: 'assumption',
      detail: `${validity(dated)}, ${model.file}:${dated.line}`,
    },
  ]
}

const validity = ({ from, to }: { from: string | null; to: string | null }): string =>
  from === null && to === null ? 'always' : `${from ?? '…'} to ${to ?? '…'}`

const userFigures = (asked: Asked): Described[] => {
  const { model, period, gathered, calculation } = asked
  const counted = usersSql(period, model.adoption)
  const { users, rows } = gathered.users
  const printed = (measure: Measure): string => sqlOf(measure, calculation, [])
  const input: Input = {
    name: 'active_users',
    value: users,
    unit: null,
    source: 'rows',
    detail: `${daysOf(period)}, ${model.adoption.join(', ')}`,
  }
  const active: Described = {
    name: 'active_users',
    unit: '1',
    formula: `different users with a success of ${model.adoption.join(', ')}`,
    inputs: [input],
    rows: Number(rows),
    sql: printed({ of: 'number', value: counted }),
    note: null,
    measure: { of: 'number', value: users },
  }
  if (model.eligibleUsers === null) return [active]
  const on = new Date(lastDay(period))
  const eligible = valueOn(model.eligibleUsers, lastDay(period))?.value
  const whole = eligible === undefined ? 'NULL::numeric' : `${eligible}::numeric`
  return [
    active,
    {
      name: 'adoption_percent',
      unit: '%',
      formula: 'active users ÷ eligible users × 100',
      inputs: [input, ...assumed(model, model.eligibleUsers, on, 'users')],
      rows: Number(rows),
      sql: printed({ of: 'share', part: counted, whole }),
      note: null,
      measure: { of: 'share', part: users, whole },
    },
  ]
}

const ratioFigure = ({ model, period, gathered, calculation }: Asked, at: number): Described => {
  const ratio = model.ratios[at]!
  const { numerator, denominator } = gathered.ratios[at]!
  const input = (name: 'numerator' | 'denominator'): Input => ({
    name,
    value: String(gathered.ratios[at]![name].matched),
    unit: null,
    source: 'rows',
    detail: `${daysOf(period)}, filter ratios.${ratio.name}.${name} of ${model.file}`,
  })
  const part = countSql(period, ratio.numerator)
  const whole = countSql(period, ratio.denominator)
  return {
    name: `ratio.${ratio.name}`,
    unit: '%',
    formula: 'rows of the numerator ÷ rows of the denominator × 100',
    inputs: [input('numerator'), input('denominator')],
    rows: Number(denominator.matched),
    sql: sqlOf({ of: 'share', part, whole }, calculation, []),
    note: ratio.about,
    measure: { of: 'share', part: String(numerator.matched), whole: `${denominator.matched}::numeric` },
  }
}

const basisOf = ({ period, calculation }: Asked): string => {
  const days = short({ n: BigInt(calculation.seconds), d: 86_400n }, 2)
  return `basis: ${days} days of ${period.name} (${daysOf(period)})${period.complete ? '' : ', which is not over'}`
}

const projectedFigure = (asked: Asked): Described => {
  const stretches = asked.gathered.stretches.filter(({ inPeriod }) => inPeriod)
  const measure: Measure = { of: 'yearly_savings_projected' }
  return {
    name: measure.of,
    unit: asked.model.currency,
    formula: 'savings of the period ÷ its days × 365',
    inputs: inputsOf(asked, stretches, 'savings'),
    rows: rowsOf(asked, stretches, 'savings'),
    sql: sqlOf(measure, asked.calculation, asked.gathered.stretches),
    note: basisOf(asked),
    measure,
  }
}

const formulas = {
  savings_to_date: 'savings of all days since the first one that counts',
  net_value: 'savings to date − investment to date',
  savings_over_cost_percent: 'savings to date ÷ investment to date × 100',
  net_roi_percent: '(savings to date − investment to date) ÷ investment to date × 100',
  payback_months: 'investment to date ÷ (savings of the period ÷ its days × 365 ÷ 12)',
  break_even_date:
    'first day on which savings to date reach the investment to date; if none, the end of the period + what is missing ÷ savings a day of the period',
} as const

const investmentFigures = (asked: Asked): Described[] => {
  const { model, gathered, period, calculation } = asked
  const toDate = gathered.stretches.filter((one) => one.toDate)
  const inPeriod = gathered.stretches.filter((one) => one.inPeriod)
  const invested: Input[] = model.investments
    .filter(({ on }) => on <= lastDay(period))
    .map(({ on, amount, for: what, line }) => ({
      name: what === null ? 'investment' : `investment (${what})`,
      value: amount,
      unit: model.currency,
      source: 'model',
      detail: `on ${on}, ${model.file}:${line}`,
    }))
  const figure = (of: keyof typeof formulas, unit: string): Described => {
    const projects = of === 'payback_months' || of === 'break_even_date'
    const stretches =
      of === 'payback_months' ? inPeriod : of === 'break_even_date' ? gathered.stretches : toDate
    return {
      name: of,
      unit,
      formula: formulas[of],
      inputs: [...inputsOf(asked, stretches, 'savings'), ...(of === 'savings_to_date' ? [] : invested)],
      rows: rowsOf(asked, stretches, 'savings'),
      sql: sqlOf({ of }, calculation, gathered.stretches),
      note: projects ? basisOf(asked) : `savings count since ${gathered.since}`,
      measure: { of },
    }
  }
  const sum: Measure = { of: 'sum', values: gathered.invested }
  return [
    figure('savings_to_date', model.currency),
    {
      name: 'investment_to_date',
      unit: model.currency,
      formula: 'sum of the investments',
      inputs: invested,
      rows: 0,
      sql: sqlOf(sum, calculation, []),
      note: null,
      measure: sum,
    },
    figure('net_value', model.currency),
    figure('savings_over_cost_percent', '%'),
    figure('net_roi_percent', '%'),
    figure('payback_months', 'months'),
    figure('break_even_date', 'date'),
  ]
}

const planFigures = ({ model, calculation }: Asked): Described[] => {
  if (model.plan === null) return []
  const values = model.plan.factors.map(({ value }) => value)
  const product = model.plan.factors.map(({ name }) => name.replaceAll('_', ' ')).join(' × ')
  const inputs: Input[] = model.plan.factors.map(({ name, value, line }) => ({
    name,
    value,
    unit: null,
    source: 'model',
    detail: `${model.file}:${line}`,
  }))
  const cost = totalOf(model.investments.map(({ amount }) => amount))
  const invested: Input = {
    name: 'investment',
    value: cost,
    unit: model.currency,
    source: 'model',
    detail: 'all investments of the model',
  }
  const figure = (
    name: string,
    unit: string,
    formula: string,
    measure: Measure,
    costs: Input[],
  ): Described => ({
    name,
    unit,
    formula,
    inputs: [...inputs, ...costs],
    rows: 0,
    sql: sqlOf(measure, calculation, []),
    note: 'a plan: nothing of it was measured',
    measure,
  })
  const planned = figure('planned_yearly_savings', model.currency, product, { of: 'product', values }, [])
  if (model.investments.length === 0) return [planned]
  return [
    planned,
    figure(
      'planned_savings_over_cost_percent',
      '%',
      `${product} ÷ investment × 100`,
      { of: 'product_over_cost_percent', values, cost },
      [invested],
    ),
    figure(
      'planned_net_roi_percent',
      '%',
      `(${product} − investment) ÷ investment × 100`,
      { of: 'product_net_roi_percent', values, cost },
      [invested],
    ),
  ]
}
