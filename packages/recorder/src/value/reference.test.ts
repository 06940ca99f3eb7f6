import { fileURLToPath } from 'node:url'
import { rollUp } from '@throughline/postgres/rollups'
import { expect, test } from 'vitest'
import { useValueDatabase } from '../../test/value-database.js'
import { businessReport } from './business.js'
import { conflictsOf, planOf } from './conflicts.js'
import { figureOf, type ValueReport } from './figure.js'
import { loadValueModel } from './parse.js'
import { valueReport } from './report.js'

const file = fileURLToPath(new URL('../../../../examples/dyno-allocation/value.yaml', import.meta.url))
const now = new Date('2026-11-22T09:30:10Z')
const database = useValueDatabase()

/** Allocations of October as the reference counts them, and failures beside them. */
const october = async (): Promise<void> => {
  const metadata = { backupUsed: false, conflicts: 0 }
  await database.add({ day: '2026-10-01', count: 1_500, users: 21, durationUs: 156_700, metadata })
  await database.add({ day: '2026-10-31', count: 1_300, durationUs: 156_700, metadata })
  await database.add({ day: '2026-10-12', count: 47, durationUs: 156_700, metadata: { conflicts: 2 } })
  await database.add({ day: '2026-10-13', count: 9, durationUs: 156_700, success: false, metadata: null })
  await database.add({ day: '2026-10-13', count: 500, operation: 'VehicleCatalogue.find' })
  await database.add({ day: '2026-09-30', count: 3 })
  await database.add({ day: '2026-11-01', count: 5 })
}

const valuesOf = (report: ValueReport): Record<string, string | null> =>
  Object.fromEntries(report.figures.map(({ name, value }) => [name, value]))

/** What the SQL of each figure answers, as psql would show it. */
const answersOf = async (report: ValueReport): Promise<Record<string, string | null>> => {
  const answers: Record<string, string | null> = {}
  for (const { name, sql } of report.figures) {
    const { rows } = await database.pool.query({
      text: sql,
      rowMode: 'array',
      types: { getTypeParser: () => String },
    })
    answers[name] = rows[0]?.[0]
  }
  return answers
}

test('2,847 allocations of 4 minutes are 189.8 hours and 9,490 USD, under the names of the reference', async () => {
  await october()
  const model = await loadValueModel(file)
  const { figures } = await businessReport(database.pool, model, { period: '2026-10', now })
  expect(figures).toEqual({
    total_successful_allocations: '2847',
    avg_allocation_time_ms: '156.7',
    estimated_time_saved_hours: '189.8',
    monthly_cost_savings: '9490.00',
    conflict_elimination_rate: '100',
    user_adoption_rate: '84',
    total_allocations: '2847',
    time_saved_hours: '189.8',
    cost_savings_usd: '9490.00',
    roi_percentage: '19',
  })
})

test('each figure is what its SQL answers over the rows, before and after they are summed up', async () => {
  await october()
  const model = await loadValueModel(file)
  const fresh = await valueReport(database.pool, model, { period: '2026-10', now })
  expect(await answersOf(fresh)).toEqual(valuesOf(fresh))
  await rollUp(database.pool)
  const summed = await valueReport(database.pool, model, { period: '2026-10', now })
  expect(summed).toEqual(fresh)
  expect(valuesOf(summed)).toMatchObject({
    'allocation.savings': '9490.00',
    yearly_savings_projected: '111737.10',
    savings_to_date: '9500.00',
    investment_to_date: '50000.00',
    net_value: '-40500.00',
    net_roi_percent: '-81',
    payback_months: '5.37',
    break_even_date: '2027-03-14',
  })
})

test('4 h a week for 25 engineers is 520 % of the cost and 420 % net, under different names', async () => {
  const model = await loadValueModel(file)
  const report = await valueReport(database.pool, model, { period: '2026-10', now })
  expect(valuesOf(report)).toMatchObject({
    planned_yearly_savings: '260000.00',
    planned_savings_over_cost_percent: '520',
    planned_net_roi_percent: '420',
  })
  expect(planOf(model)).toEqual({ savings: '260000.00', overCostPercent: '520', netRoiPercent: '420' })
  expect(await answersOf(report)).toEqual(valuesOf(report))
})

test('47,500 USD a month is named as what does not follow from its own inputs, and the rest is not', async () => {
  const conflicts = conflictsOf(await loadValueModel(file))
  expect(conflicts.map(({ figure, claimed, computed }) => [figure, claimed, computed])).toEqual([
    ['monthly_cost_savings', '47500', '9490'],
    ['monthly_cost_savings', '47500', '21666.67'],
  ])
  expect(conflicts[0]?.message).toContain(
    '2,847 total_successful_allocations × 4 minutes_per_allocation ÷ 60 × 50 engineer_rate gives 9,490',
  )
  expect(conflicts[0]?.message).toMatch(
    /total_successful_allocations 14,250 instead of 2,847 .*minutes_per_allocation 20.02 instead of 4 .*engineer_rate 250.26 instead of 50/,
  )
})

test('every figure says its formula, its inputs with their source, and its rows', async () => {
  await october()
  const report = await valueReport(database.pool, await loadValueModel(file), { period: '2026-10', now })
  expect(figureOf(report, 'monthly_cost_savings')).toMatchObject({
    name: 'savings',
    unit: 'USD',
    formula: 'successes × minutes saved ÷ 60 × hourly rate',
    rows: 2847,
    inputs: [
      { name: 'allocation.successes', value: '2847', source: 'rows', detail: '2026-10-01 to 2026-10-31' },
      { name: 'minutes_per_allocation', value: '4', unit: 'min', source: 'assumption' },
      { name: 'engineer_rate', value: '50', unit: 'USD/h', source: 'assumption' },
    ],
  })
  for (const { formula, sql } of report.figures) {
    expect(formula).not.toBe('')
    expect(sql).toMatch(/;$/)
  }
})
