import { countMatches, keepMatches } from '@throughline/postgres/value'
import type { Pool } from 'pg'
import type { ValueModel } from './model.js'
import { periodOf } from './period.js'
import type { ReportOptions } from './report.js'

const dayMs = 86_400_000

/**
 * Counts what the ratios of a period match, day by day, and keeps it: the first report over many rows would count them
 * all in one statement, and may run into its timeout. Needs the rights of a writer. Resolves with the hours that were
 * counted now. Throws `TL_VALUE_PERIOD`.
 */
export const warmValue = async (
  pool: Pool,
  model: ValueModel,
  options: ReportOptions & { signal?: AbortSignal } = {},
): Promise<number> => {
  const period = periodOf(options.period, options.now)
  const filters = model.ratios.flatMap(({ numerator, denominator }) => [numerator, denominator])
  let hours = 0
  for (let day = period.from.getTime(); day < period.until.getTime(); day += dayMs)
    for (const filter of filters) {
      if (options.signal?.aborted) return hours
      const until = new Date(Math.min(day + dayMs, period.until.getTime()))
      const { counted } = await countMatches(pool, { from: new Date(day), until }, filter)
      await keepMatches(pool, counted)
      hours += counted.length
    }
  return hours
}
