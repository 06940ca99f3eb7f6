import { partsOf } from '../rollups/sql/cover.js'
import { businessCells, operationCells } from '../rollups/sql/row-cells.js'
import { type Plan, planOf, type Queryable } from '../rollups/window.js'
import { namesCondition, type RowFilter, textLiteral } from './value-filter.js'

/** A business value to be summed: entries of this name whose labels hold these ones. */
export type BusinessSource = { name: string; labels: Record<string, string> }

/** One operation of a value model. */
export type FactSource = { filter: RowFilter; business?: BusinessSource | undefined }

/** What one day (UTC) holds of one source; all numbers are exact decimals. */
export type DayFacts = {
  /** Place in the list of sources. */
  source: number
  /** As `2026-10-31`. */
  day: string
  count: string
  successes: string
  /** Of all that completed, failures too. */
  sumUs: string
  business: string
  /** How many records had the business value. */
  entries: string
}

type Window = { from: Date; until: Date }

const dayMs = 86_400_000

/**
 * The days of a window from the sums, and from the rows where minutes are not summed up yet: the same numbers as from
 * rows alone. The window is cut to whole minutes. Rejects with `TL_POSTGRES_OPTION` or what Postgres says.
 */
export const readValueFacts = async (
  db: Queryable,
  window: Window,
  sources: readonly FactSource[],
): Promise<DayFacts[]> => {
  if (sources.length === 0) return []
  const days = new Map<string, DayFacts>()
  const dayOf = (source: number, day: string): DayFacts => {
    const key = `${source} ${day}`
    const known = days.get(key)
    if (known !== undefined) return known
    const fresh = { source, day, count: '0', successes: '0', sumUs: '0', business: '0', entries: '0' }
    days.set(key, fresh)
    return fresh
  }
  const operations = planOf({ ...window, stepMs: dayMs }, 'fives')
  const counted = await db.query<Omit<DayFacts, 'business' | 'entries'>>(
    operationsStatement(operations, sources),
    operations.values,
  )
  for (const row of counted.rows) Object.assign(dayOf(row.source, row.day), row)
  if (sources.some(({ business }) => business !== undefined)) {
    const plan = planOf({ ...window, stepMs: dayMs })
    const summed = await db.query<Pick<DayFacts, 'source' | 'day' | 'business' | 'entries'>>(
      businessStatement(plan, sources),
      plan.values,
    )
    for (const row of summed.rows) Object.assign(dayOf(row.source, row.day), row)
  }
  return [...days.values()].sort((a, b) => a.source - b.source || (a.day < b.day ? -1 : 1))
}

const live = (plan: Plan) => ({
  range: 'row_range',
  lower: '$1::timestamptz',
  upper: '$2::timestamptz',
  start: plan.stepOf('o.started_at'),
})
const day = `to_char(start AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day`

/** The condition of any of them, so that no other operation is read; then each takes its own out of the cells. */
const anyOf = (sources: readonly FactSource[]): string =>
  `(${sources.map(({ filter }) => `(${namesCondition(filter)})`).join(' OR ')})`

const operationsStatement = (plan: Plan, sources: readonly FactSource[]): string => {
  const columns = 'service, operation_service, operation, count, failures, sum_us'
  return `WITH ${plan.cover}, cell AS MATERIALIZED (
  SELECT ${plan.stepOf('start')} AS start, ${columns} FROM (${partsOf('rollup_operations', `r.start, ${columns}`, anyOf(sources))}) AS summed
  UNION ALL
  SELECT start, service, operation_service, operation, n, CASE WHEN error IS NULL THEN 0 ELSE n END, sum_us
  FROM (${operationCells(live(plan), anyOf(sources))}) AS counted
)
${sources
  .map(
    ({ filter }, at) =>
      `SELECT ${at} AS source, ${day}, sum(count)::text AS count, sum(count - failures)::text AS successes,
  sum(sum_us)::text AS "sumUs" FROM cell WHERE ${namesCondition(filter)} GROUP BY start`,
  )
  .join('\nUNION ALL\n')}`
}

const businessStatement = (plan: Plan, all: readonly FactSource[]): string => {
  const sources = all
    .map((source, at) => ({ ...source, at }))
    .filter(({ business }) => business !== undefined)
  const columns = 'service, operation_service, operation, name, kind, labels, sum, entries'
  const names = `name IN (${sources.map(({ business }) => textLiteral(business!.name)).join(', ')})`
  const condition = anyOf(sources)
  return `WITH ${plan.cover}, cell AS MATERIALIZED (
  SELECT ${plan.stepOf('start')} AS start, ${columns} FROM (${partsOf('rollup_business', `r.start, ${columns}`, `${condition} AND ${names}`)}) AS summed
  UNION ALL
  SELECT start, ${columns} FROM (${businessCells(live(plan), condition)}) AS counted WHERE ${names}
)
${sources
  .map(
    ({ filter, business, at }) =>
      `SELECT ${at} AS source, ${day}, sum(sum)::text AS business, sum(entries)::text AS entries FROM cell
WHERE ${namesCondition(filter)} AND name = ${textLiteral(business!.name)} AND kind = 'sum' AND labels @> ${textLiteral(JSON.stringify(business!.labels))}::jsonb GROUP BY start`,
  )
  .join('\nUNION ALL\n')}`
}

/** Rows that started before this time are gone (their sums stay): SQL over rows finds none. Null: all are there. */
export const rowsSince = async (db: Queryable): Promise<Date | null> => {
  const { rows } = await db.query<{ floor: Date | null }>(
    `SELECT nullif(floor, '-infinity') AS floor FROM throughline.rollup_floor`,
  )
  return rows[0]?.floor ?? null
}
