import { describe, expect, test } from 'vitest'
import { valueOn } from './model.js'
import { parseValueModel, ValueModelError } from './parse.js'
import type { Problem } from './yaml-reader.js'

const smallest = `model: shop
currency: USD
operations:
  sale:
    operation: Shop.sell
    business_value: {name: order.value}
`

const problemsOf = (text: string): readonly Problem[] => {
  try {
    parseValueModel(text)
  } catch (error) {
    if (error instanceof ValueModelError) return error.problems
    throw error
  }
  return []
}
const said = (text: string): string[] =>
  problemsOf(text).map(({ line, column, path, message }) => `${line}:${column} ${path} ${message}`)

describe('a value model', () => {
  test('may be small: users of what it values are active, savings are the business value in its currency', () => {
    expect(parseValueModel(smallest)).toMatchObject({
      name: 'shop',
      scale: 2,
      since: null,
      adoption: ['Shop'],
      operations: [
        {
          name: 'sale',
          filter: { operations: [{ operationService: 'Shop', operation: 'sell' }] },
          business: { name: 'business.order.value', labels: { currency: 'USD' } },
          minutesSaved: null,
        },
      ],
    })
  })

  test('keeps numbers as they are written, never as floats', () => {
    const { operations } = parseValueModel(
      smallest.replace('business_value: {name: order.value}', 'minutes_saved: 0.1000000001'),
    )
    expect(operations[0]?.minutesSaved?.values).toEqual([
      { value: '0.1000000001', from: null, to: null, line: 6 },
    ])
  })

  test('has assumptions that hold from a day to a day, both included', () => {
    const { assumptions } = parseValueModel(`${smallest}assumptions:
  rate:
    unit: USD/h
    values:
      - {value: 50, from: 2026-01-01, to: 2026-06-30}
      - {value: 55, from: 2026-07-01}
`)
    const on = (day: string) => valueOn(assumptions[0]!, day)?.value
    expect(['2025-12-31', '2026-01-01', '2026-06-30', '2026-07-01', '2030-01-01'].map(on)).toEqual([
      undefined,
      '50',
      '50',
      '55',
      '55',
    ])
  })

  test('may use anchors of YAML', () => {
    const { ratios } = parseValueModel(
      `${smallest}ratios:
  sold:
    numerator: {operation: Shop.sell, outcome: success, metadata: {"cart.size": {at_least: 1, below: 10.5}, kind: [x]}}
    denominator: &all {operation: [Shop.sell, Shop.*]}
  same: {numerator: *all, denominator: *all}
`.replace(', kind: [x]', ', kind: {in: [a, 2, true]}, "a.b": "c"'),
    )
    expect(ratios[0]?.numerator.metadata).toEqual([
      { key: 'cart.size', test: 'at_least', value: '1' },
      { key: 'cart.size', test: 'below', value: '10.5' },
      { key: 'kind', test: 'in', value: '["a",2,true]' },
      { key: 'a.b', test: 'is', value: '"c"' },
    ])
    expect(ratios[1]?.numerator).toEqual(ratios[0]?.denominator)
  })
})

describe('an objective', () => {
  const objective = (text: string) => `${smallest}objectives:\n  sale: ${text}\n`

  test('promises a share of successes, a share within a time, or both, over a window', () => {
    const { objectives } = parseValueModel(
      objective(
        '{operation: Shop.sell, success_percent: 99.9, leave_out: [SoldOut], latency: {percent: 95, within_ms: 250}, window_days: 7}',
      ),
    )
    expect(objectives).toEqual([
      {
        name: 'sale',
        about: null,
        operationService: 'Shop',
        operation: 'sell',
        service: null,
        success: 0.999,
        leaveOut: ['SoldOut'],
        latency: { share: 0.95, withinMs: 250 },
        windowDays: 7,
      },
    ])
    expect(
      parseValueModel(objective('{operation: Shop.sell, success_percent: 99}')).objectives,
    ).toMatchObject([{ latency: null, leaveOut: [], windowDays: 28 }])
    expect(parseValueModel(smallest).objectives).toEqual([])
  })

  test.each([
    ['{success_percent: 99}', '8:9 objectives.sale needs `operation`'],
    ['{operation: Shop.sell}', '8:9 objectives.sale needs `success_percent` or `latency`'],
    [
      '{operation: Shop.*, success_percent: 99}',
      '8:21 objectives.sale.operation must be one operation: an objective is for one',
    ],
    [
      '{operation: Shop.sell, success_percent: 100}',
      '8:49 objectives.sale.success_percent is 100: above 0 and below 100 is needed',
    ],
    [
      '{operation: Shop.sell, success_percent: 99 %}',
      '8:49 objectives.sale.success_percent is "99 %": a plain number such as 4 or 129.90 is needed',
    ],
    [
      '{operation: Shop.sell, latency: {percent: 99}}',
      '8:41 objectives.sale.latency needs `percent` and `within_ms`',
    ],
    [
      '{operation: Shop.sell, latency: {percent: 99, within_ms: 0}}',
      '8:66 objectives.sale.latency.within_ms is 0: above 0 is needed',
    ],
    [
      '{operation: Shop.sell, latency: {percent: 9, within_ms: 1}, leave_out: [A]}',
      '8:80 objectives.sale.leave_out is of no use without `success_percent`',
    ],
    [
      '{operation: Shop.sell, success_percent: 99, window_days: 0}',
      '8:66 objectives.sale.window_days is 0: a whole number from 1 to 366 is needed',
    ],
    [
      '{operation: Shop.sell, success_percent: 99, target: 1}',
      /^8:53 objectives\.sale\.target is no key here; known are about, operation/,
    ],
  ])('%s is refused with line and column', (text, expected) => {
    const problems = said(objective(text))
    if (typeof expected === 'string') expect(problems).toEqual([expected])
    else expect(problems[0]).toMatch(expected)
  })
})

describe('a mistake in a value model', () => {
  test('is named with its line and column, and all of them at once', () => {
    expect(
      said(`model: shop
currency: DOLLAR
operatons: {}
operations:
  sale:
    operation: sell
    minutes_saved: 4 minutes
    hourly_rate: pay
assumptions:
  Pay:
    values:
      - {value: 50, from: 2026-02-30}
      - {value: 1e3}
`),
    ).toEqual([
      '2:11 currency is "DOLLAR": a code of ISO 4217 such as USD is needed',
      '3:1 operatons is no key here; known are model, about, currency, since, assumptions, investments, eligible_users, adoption, operations, ratios, plan, objectives, names, claims',
      '6:16 operations.sale.operation is "sell": Service.operation or Service.* is needed',
      '7:20 operations.sale.minutes_saved is "4 minutes": a plain number such as 4 or 129.90 is needed',
      '8:18 operations.sale.hourly_rate is "pay": neither a number nor an assumption (there are: Pay)',
      '10:3 assumptions.Pay a name has small letters, digits and underscores, and begins with a letter',
      '12:27 assumptions.Pay.values[0].from is "2026-02-30": a day such as 2026-10-31 is needed',
      '13:17 assumptions.Pay.values[1].value is "1e3": a plain number such as 4 or 129.90 is needed',
    ])
  })

  test.each([
    [
      'an overlap of two values',
      `assumptions: {a: {values: [{value: 1, to: 2026-05-01}, {value: 2, from: 2026-05-01}]}}`,
      /7:56 .*holds for days that line 7 has a value for/,
    ],
    [
      'a value that ends before it begins',
      `assumptions: {a: {values: [{value: 1, from: 2026-05-02, to: 2026-05-01}]}}`,
      /7:61 .*is before from/,
    ],
    ['a negative number', `eligible_users: -3`, /7:17 eligible_users is -3: it must not be negative/],
    [
      'a name for a figure that there is not',
      `names: {a: roi}`,
      /7:12 names.a is "roi": no figure of this model/,
    ],
    [
      'a name that a figure has',
      `names: {savings: successes}`,
      /7:9 names.savings is the name of a figure already/,
    ],
    [
      'a claim of nothing known',
      `claims: [{source: x, figures: {luck: 1}}]`,
      /7:32 claims\[0\].figures.luck is no figure/,
    ],
    ['a section that is none', `ratios: 4`, /7:9 ratios must be a map/],
    [
      'an unknown outcome',
      `ratios: {r: {numerator: {operation: A.b, outcome: ok}, denominator: {operation: A.b}}}`,
      /7:51 .*success or failure is needed/,
    ],
    ['a key twice', `currency: EUR`, /7:1 {2}Map keys must be unique/],
    ['what is no YAML', `a: [`, /^\d+:\d+ /],
  ])('such as %s is found', (_, line, message) => {
    const problems = said(smallest + line)
    expect(problems.join('\n')).toMatch(message)
  })

  test('in a file that is empty, too large or not there is one, too', async () => {
    expect(said('')).toEqual(['1:1  must be a map of keys and values'])
    expect(said('#'.repeat(1_048_577))[0]).toMatch(/is longer than/)
    const { loadValueModel } = await import('./parse.js')
    await expect(loadValueModel('/nowhere/value.yaml')).rejects.toMatchObject({
      code: 'TL_VALUE_MODEL',
      message: '/nowhere/value.yaml:1:1: cannot be read: ENOENT',
    })
  })
})
