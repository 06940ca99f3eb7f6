import { randomBytes } from 'node:crypto'
import { createPool } from '@throughline/postgres'
import { eraseUser } from '@throughline/postgres/erase'
import { rollUp } from '@throughline/postgres/rollups'
import { countMatches, keepMatches } from '@throughline/postgres/value'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { useValueDatabase } from '../../test/value-database.js'
import { businessReport } from './business.js'
import { figureOf, type ValueReport } from './figure.js'
import { fixed, fractionOf, over, plus, times } from './fraction.js'
import { freeze } from './freeze.js'
import { parseValueModel } from './parse.js'
import { periodOf } from './period.js'
import { valueReport } from './report.js'
import { warmValue } from './warm.js'

const database = useValueDatabase()
const now = new Date('2026-11-22T09:30:10Z')
const october = { period: '2026-10', now }

const windowOf = (from: string, until: string) => ({ from: new Date(from), until: new Date(until) })
const modelOf = (rest: string, assumptions = 'rate: {values: [{value: 50}]}') =>
  parseValueModel(`model: test\ncurrency: USD\nassumptions:\n  ${assumptions}\n${rest}`)
const allocation = `operations:
  allocation: {operation: AllocationService.autoAllocate, minutes_saved: 4, hourly_rate: rate}
`
const worth = (report: ValueReport, name: string) => figureOf(report, name)?.value

/** Each figure's SQL, run as it is printed. */
const checkSql = async (report: ValueReport): Promise<void> => {
  for (const { name, sql, value } of report.figures) {
    const types = { getTypeParser: () => String }
    const { rows } = await database.pool.query({ text: sql, rowMode: 'array', types })
    expect(rows[0]?.[0], `${name}\n${sql}`).toBe(value)
  }
}

describe('an assumption that changes', () => {
  const model = modelOf(
    allocation,
    `rate:
    values:
      - {value: 50, to: 2026-10-15}
      - {value: 60.5, from: 2026-10-16}`,
  )

  test('counts from its day on, and each value is an input', async () => {
    await database.add({ day: '2026-10-15', count: 30 })
    await database.add({ day: '2026-10-16', count: 60 })
    const report = await valueReport(database.pool, model, october)
    // 30 × 4 ÷ 60 × 50 + 60 × 4 ÷ 60 × 60.5
    expect(worth(report, 'savings')).toBe('342.00')
    expect(
      figureOf(report, 'savings')?.inputs.map(({ name, value, detail }) => [name, value, detail]),
    ).toEqual([
      ['allocation.successes', '30', '2026-10-01 to 2026-10-15'],
      ['operations.allocation.minutes_saved', '4', 'always, value.yaml:9'],
      ['rate', '50', '… to 2026-10-15, value.yaml:6'],
      ['allocation.successes', '60', '2026-10-16 to 2026-10-31'],
      ['rate', '60.5', '2026-10-16 to …, value.yaml:7'],
    ])
    await checkSql(report)
  })

  test('and has no value for some days is said, and nothing is made up for them', async () => {
    const gap = modelOf(allocation, 'rate: {values: [{value: 50, from: 2026-10-16}]}')
    await database.add({ day: '2026-10-03', count: 15 })
    await database.add({ day: '2026-10-20', count: 15 })
    const report = await valueReport(database.pool, gap, october)
    expect(worth(report, 'savings')).toBe('50.00')
    expect(worth(report, 'hours_saved')).toBe('2')
    expect(report.warnings).toEqual([
      '15 successes of allocation from 2026-10-03 to 2026-10-03 count for nothing: hourly_rate (rate) has no value for those days',
    ])
    await checkSql(report)
  })
})

test('several operations, minutes and business values add up to the cent, from rows and from sums', async () => {
  const model = modelOf(`operations:
  allocation: {operation: AllocationService.autoAllocate, minutes_saved: 0.7, hourly_rate: 49.99}
  sale: {operation: Shop.sell, business_value: {name: order.value, labels: {plan: pro}}}
investments: [{on: 2026-10-02, amount: 100.10}]
`)
  const entry = (value: string, labels: Record<string, string>) => ({
    name: 'business.order.value',
    labels,
    value,
  })
  await database.add({ day: '2026-10-01', count: 7 })
  await database.add({ day: '2026-10-02', count: 11, success: false })
  await database.add({
    day: '2026-10-04',
    count: 3,
    operation: 'Shop.sell',
    business: [
      entry('0.10', { currency: 'USD', plan: 'pro' }),
      entry('5', { currency: 'USD', plan: 'free' }),
      entry('7', { currency: 'EUR', plan: 'pro' }),
      { ...entry('9', { currency: 'USD', plan: 'pro' }), kind: 'gauge' },
      { ...entry('oops', { currency: 'USD', plan: 'pro' }) },
    ],
  })
  const report = await valueReport(database.pool, model, october)
  // 7 × 0.7 × 49.99 ÷ 60 = 4.0825166…, and 3 × 0.10
  expect(worth(report, 'allocation.savings')).toBe('4.08')
  expect(worth(report, 'sale.savings')).toBe('0.30')
  expect(worth(report, 'savings')).toBe('4.38')
  expect(worth(report, 'savings_to_date')).toBe('0.30')
  expect(worth(report, 'net_roi_percent')).toBe('-99.7')
  await checkSql(report)
  await rollUp(database.pool)
  expect(await valueReport(database.pool, model, october)).toEqual(report)
  const { values } = await businessReport(database.pool, undefined, october)
  expect(values.map(({ name, currency, total, entries }) => [name, currency, total, entries])).toEqual([
    ['business.order.value', 'EUR', '21', 3],
    ['business.order.value', 'USD', '15.30', 6],
  ])
})

test('savings of any days, minutes and rates are the fraction, rounded once', async () => {
  const money = fc.integer({ min: 1, max: 99_999 }).map((cents) => (cents / 100).toFixed(2))
  const days = Array.from({ length: 6 }, (_, at) => `2026-10-${String(10 + at).padStart(2, '0')}`)
  for (const [at, day] of days.entries()) await database.add({ day, count: 1 + ((at * 7) % 5) })
  await fc.assert(
    fc.asyncProperty(
      money,
      money,
      money,
      fc.integer({ min: 1, max: 5 }),
      async (minutes, first, second, cut) => {
        const model = modelOf(
          allocation.replace('minutes_saved: 4', `minutes_saved: ${minutes}`),
          `rate: {values: [{value: ${first}, to: ${days[cut - 1]}}, {value: ${second}, from: ${days[cut]}}]}`,
        )
        const report = await valueReport(database.pool, model, october)
        const exact = days
          .map((_, at) => {
            const rate = fractionOf(at < cut ? first : second)!
            return times(times({ n: BigInt(1 + ((at * 7) % 5)), d: 60n }, fractionOf(minutes)!), rate)
          })
          .reduce(plus)
        expect(worth(report, 'savings')).toBe(fixed(exact, 2))
        const year = over(times(exact, { n: 365n, d: 1n }), { n: 31n, d: 1n })!
        expect(worth(report, 'yearly_savings_projected')).toBe(fixed(year, 2))
      },
    ),
    { numRuns: 40 },
  )
})

describe('a ratio', () => {
  const model = modelOf(`${allocation}ratios:
  eliminated:
    numerator: {operation: AllocationService.autoAllocate, outcome: success, metadata: {conflicts: {above: 0}}}
    denominator: {operation: AllocationService.autoAllocate, metadata: {conflicts: {above: 0}}}
`)
  const add = (count: number, success: boolean, conflicts: unknown, day = '2026-10-05') =>
    database.add({ day, count, success, metadata: { conflicts } })

  test('counts rows by their metadata, whatever odd values they hold', async () => {
    await add(2, true, 1)
    await add(1, false, 3)
    await add(5, true, 0)
    for (const odd of ['7', null, true, [9], {}]) await add(1, true, odd)
    const report = await valueReport(database.pool, model, october)
    expect(worth(report, 'ratio.eliminated')).toBe('66.67')
    expect(figureOf(report, 'ratio.eliminated')).toMatchObject({ rows: 3, unit: '%' })
    await checkSql(report)
  })

  test('is read again only for hours that got rows, and stays right when rows come late', async () => {
    await add(3, true, 1)
    await add(3, true, 1, '2026-10-06')
    await rollUp(database.pool)
    await valueReport(database.pool, model, october)
    // What was counted is kept: a cell that is changed by hand shows in the answer.
    await database.pool.query(
      `UPDATE throughline.rollup_value_cells SET matched = 0 WHERE start = '2026-10-05T12:00Z' AND matched = 3`,
    )
    const kept = await valueReport(database.pool, model, october)
    expect(figureOf(kept, 'ratio.eliminated')?.inputs.map(({ value }) => value)).toEqual(['3', '3'])
    await add(1, false, 1)
    const late = await valueReport(database.pool, model, october)
    expect(figureOf(late, 'ratio.eliminated')?.inputs.map(({ value }) => value)).toEqual(['6', '7'])
    await checkSql(late)
  })

  test('outlives its rows where it was counted before; where not, that is said', async () => {
    await add(3, true, 1)
    await rollUp(database.pool)
    const before = await valueReport(database.pool, model, october)
    await add(5, false, 1, '2026-10-04')
    await rollUp(database.pool)
    await database.pool.query(`UPDATE throughline.rollup_floor SET floor = '2026-10-06Z'`)
    await database.pool.query('TRUNCATE throughline.operations')
    const after = await valueReport(database.pool, model, october)
    expect(worth(after, 'ratio.eliminated')).toBe(worth(before, 'ratio.eliminated'))
    expect(worth(after, 'savings')).toBe('10.00')
    expect(after.warnings).toEqual([
      'ratio.eliminated leaves out 2 hours whose rows are gone and were not counted before',
      'rows before 2026-10-06 are gone; the figures have them from the sums, the SQL over rows has not',
    ])
  })

  test('is counted anew where a row changes that was given up as rolled back, and was not', async () => {
    const record = (outcome: object) =>
      database.pool.query('SELECT throughline.record_operation($1::jsonb)', [
        JSON.stringify({
          started_at: '2026-10-05T12:10:00Z',
          trace_id: '0190f0f0-0000-7000-8000-000000000001',
          span_id: '00000000000000aa',
          operation_service: 'AllocationService',
          operation: 'autoAllocate',
          duration_us: 1_000,
          metadata: { conflicts: 1 },
          ...outcome,
        }),
      ])
    await add(1, true, 1)
    await record({ success: false, error_type: 'rolled_back' })
    await rollUp(database.pool)
    expect(worth(await valueReport(database.pool, model, october), 'ratio.eliminated')).toBe('50')
    await record({ success: true })
    const report = await valueReport(database.pool, model, october)
    expect(worth(report, 'ratio.eliminated')).toBe('100')
    await checkSql(report)
  })

  test('keeps no count of rows that are erased while it is made', async () => {
    await add(3, true, 1)
    await database.add({ day: '2026-10-06', count: 2, users: 2, metadata: { conflicts: 1 } })
    await rollUp(database.pool)
    // Counted before the erasure, kept after it: what an answer that takes long would do.
    const [filter] = model.ratios.map(({ numerator }) => numerator)
    const { from, until } = periodOf('2026-10', now)
    const { counted } = await countMatches(database.pool, { from, until }, filter!)
    expect(counted.map(({ start }) => start.slice(5, 10)).toSorted()).toEqual(['10-05', '10-06'])
    await eraseUser(database.pool, 'user-1')
    await keepMatches(database.pool, counted)
    const { rows } = await database.pool.query(
      `SELECT to_char(start AT TIME ZONE 'UTC', 'MM-DD') AS day FROM throughline.rollup_value_cells ORDER BY 1`,
    )
    expect(rows.map(({ day }) => day)).toEqual(['10-05'])
  })

  test('of a window that begins and ends in the middle of a day has its rows once, and none from behind its end', async () => {
    await add(2, true, 0)
    await database.add({ day: '2026-10-05', at: '14:45', count: 2, metadata: { conflicts: 1 } })
    const [filter] = model.ratios.map(({ numerator }) => numerator)
    const count = (until: string) =>
      countMatches(database.pool, windowOf('2026-10-05T12:00Z', until), filter!)
    const whole = await count('2026-10-05T15:00Z')
    expect(whole).toMatchObject({ rows: 4n, matched: 2n })
    // As many rows as the hour of which half is asked for: alone they would pass for the day's.
    await keepMatches(
      database.pool,
      whole.counted.filter(({ start }) => start === '2026-10-05T14:00:00Z'),
    )
    expect(await count('2026-10-05T14:30Z')).toMatchObject({ rows: 2n, matched: 0n })
  })

  test('can be counted day by day before anybody asks', async () => {
    await add(3, true, 1)
    await add(2, false, 1, '2026-10-31')
    expect(await warmValue(database.pool, model, october)).toBe(4)
    expect(await warmValue(database.pool, model, october)).toBe(0)
    const report = await valueReport(database.pool, model, october)
    expect(worth(report, 'ratio.eliminated')).toBe('60')
    await checkSql(report)
  })

  test('of nothing has no value', async () => {
    expect(worth(await valueReport(database.pool, model, october), 'ratio.eliminated')).toBeNull()
  })
})

describe('users', () => {
  const model = modelOf(`${allocation}eligible_users: 125\n`)

  test('are active with one success: 119 of 125 are 95.2 %', async () => {
    await database.add({ day: '2026-10-05', count: 119, users: 119 })
    await database.add({ day: '2026-10-06', count: 60, users: 60 })
    await database.add({ day: '2026-10-07', count: 125, users: 125, success: false })
    await database.add({ day: '2026-10-07', count: 125, users: 125, operation: 'Other.work' })
    const report = await valueReport(database.pool, model, october)
    expect(worth(report, 'adoption_percent')).toBe('95.2')
    expect(worth(report, 'active_users')).toBe('119')
    await checkSql(report)
    await rollUp(database.pool)
    expect(await valueReport(database.pool, model, october)).toEqual(report)
  })
})

describe('payback', () => {
  const model = modelOf(`${allocation}investments: [{on: 2026-09-30, amount: 100}]\n`)

  test('is reached on the day on which the savings reach the investment', async () => {
    await database.add({ day: '2026-09-30', count: 15 })
    await database.add({ day: '2026-10-10', count: 14 })
    await database.add({ day: '2026-10-20', count: 1 })
    const report = await valueReport(database.pool, model, october)
    expect(figureOf(report, 'break_even_date')).toMatchObject({ value: '2026-10-20', note: 'reached' })
    expect(worth(report, 'savings_over_cost_percent')).toBe('100')
    await checkSql(report)
  })

  test('is projected from the end of the period, with its basis said', async () => {
    await database.add({ day: '2026-11-20', count: 15 })
    const report = await valueReport(database.pool, model, { period: '2026-11-20..2026-11-24', now })
    const seconds = 2 * 86_400 + 9 * 3_600 + 31 * 60
    expect(report.period).toMatchObject({ complete: false, until: '2026-11-22T09:31:00.000Z' })
    expect(figureOf(report, 'break_even_date')).toMatchObject({
      value: '2026-11-25',
      note: 'projected; basis: 2.4 days of 2026-11-20..2026-11-24 (2026-11-20 to 2026-11-22), which is not over',
    })
    expect(worth(report, 'yearly_savings_projected')).toBe(((50 * 31_536_000) / seconds).toFixed(2))
    expect(report.warnings).toContain('2026-11-20..2026-11-24 is not over')
    await checkSql(report)
  })

  test('has no date when nothing is saved', async () => {
    const report = await valueReport(database.pool, model, october)
    expect(worth(report, 'break_even_date')).toBeNull()
    expect(worth(report, 'payback_months')).toBeNull()
    expect(worth(report, 'average_ms')).toBeNull()
    expect(worth(report, 'savings')).toBe('0.00')
    await checkSql(report)
  })
})

test('names of operations and metadata may hold anything that SQL could mind', async () => {
  const hostile = `O'Brien\\"; DROP TABLE x; --`
  const quoted = JSON.stringify(`${hostile}.run`)
  const model = modelOf(`operations:
  odd: {operation: ${quoted}, minutes_saved: 60, hourly_rate: rate}
ratios:
  odd:
    numerator: {operation: ${quoted}, metadata: {${JSON.stringify(hostile)}: ${JSON.stringify(hostile)}}}
    denominator: {operation: ${quoted}}
`)
  await database.add({ day: '2026-10-05', count: 2, metadata: { [hostile]: hostile } })
  await database.pool.query(`UPDATE throughline.operations SET operation_service = $1, operation = 'run'`, [
    hostile,
  ])
  const report = await valueReport(database.pool, model, october)
  expect(worth(report, 'savings')).toBe('100.00')
  expect(worth(report, 'ratio.odd')).toBe('100')
  await checkSql(report)
})

test('a role that may only read gets the same report', async () => {
  await database.add({ day: '2026-10-05', count: 2, metadata: { conflicts: 1 } })
  const model = modelOf(
    `${allocation}ratios: {r: {numerator: {operation: AllocationService.*}, denominator: {operation: AllocationService.*}}}\n`,
  )
  const wanted = await valueReport(database.pool, model, october)
  await database.pool.query('TRUNCATE throughline.rollup_value_cells')
  const name = `reader_${randomBytes(4).toString('hex')}`
  await database.pool.query(`CREATE ROLE ${name} LOGIN PASSWORD 'secret' IN ROLE throughline_reader`)
  const url = Object.assign(new URL(database.url), { username: name, password: 'secret' })
  const reader = createPool(url.href)
  expect(await valueReport(reader, model, october)).toEqual(wanted)
  await expect(freeze(reader, model, october)).rejects.toMatchObject({ code: '42501' })
  await reader.end()
})

describe('a period', () => {
  test.each([
    ['2026-10', '2026-10-01', '2026-11-01'],
    ['2026-Q3', '2026-07-01', '2026-10-01'],
    ['2025', '2025-01-01', '2026-01-01'],
    ['2026-10-31', '2026-10-31', '2026-11-01'],
    ['2026-10-01..2026-10-15', '2026-10-01', '2026-10-16'],
  ])('%s is from %s until %s', (name, from, until) => {
    expect(periodOf(name, now)).toEqual({
      name,
      from: new Date(from),
      until: new Date(until),
      complete: true,
    })
  })

  test.each([
    '2026-13',
    '2026-02-30',
    '2026-10-15..2026-10-01',
    '2027-01',
    'tomorrow',
    '1900..2026',
    '2026-10-01..2026-10-02..x',
  ])('%s is refused', (name) => {
    expect(() => periodOf(name, now)).toThrow(expect.objectContaining({ code: 'TL_VALUE_PERIOD' }))
  })

  test('is this month when nothing is said, so far', () => {
    expect(periodOf(undefined, now)).toMatchObject({ name: '2026-11', complete: false })
  })
})
