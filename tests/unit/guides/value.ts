import { conflictsOf, figureOf, freeze, loadValueModel, valueReport } from '@throughline/recorder/value'
import type { Pool } from 'pg'

export async function lastMonth(pool: Pool, file: string, period: string) {
  const model = await loadValueModel(file)
  for (const { message } of conflictsOf(model)) console.warn(message)
  const report = await valueReport(pool, model, { period })
  const savings = figureOf(report, 'monthly_cost_savings')
  await freeze(pool, model, { period })
  return savings
}
