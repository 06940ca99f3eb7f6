import { hash } from 'node:crypto'
import { partsOf } from '../rollups/sql/cover.js'
import { operationCells } from '../rollups/sql/row-cells.js'
import { type Plan, planOf, type Queryable } from '../rollups/window.js'
import { namesCondition, type RowFilter, rowCondition } from './value-filter.js'

export type Matches = {
  matched: bigint
  /** Rows of the operations that the filter names, whatever the rest of it says. */
  rows: bigint
  /** Hours whose rows retention has dropped before anybody counted them: they are in `rows` and not in `matched`. */
  lostHours: number
  /** Hours that were counted from rows now, for `keepMatches`. */
  counted: readonly Cell[]
}

type Cell = { filter: string; start: string; rows: string; matched: string; erased: string }
type Hour = Omit<Cell, 'filter' | 'matched'> & { whole: boolean; matched: string | null; kept: boolean }
type Window = { from: Date; until: Date }

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** Rows of the day of `start` that were erased until now. */
const erasedOf = (start: string): string =>
  `throughline.erased_rows((${start} AT TIME ZONE 'UTC')::date, (${start} AT TIME ZONE 'UTC')::date + 1)`

/** The same for every process that has the same filter; a change of the meaning of a condition changes its text. */
const keyOf = (filter: RowFilter): string => hash('md5', rowCondition(filter))

const countsOf = (plan: Plan, filter: RowFilter): string => {
  const names = namesCondition(filter)
  const live = {
    range: 'row_range',
    lower: '$1::timestamptz',
    upper: '$2::timestamptz',
    start: plan.stepOf('o.started_at'),
  }
  return `SELECT ${plan.stepOf('start')} AS start, count AS n FROM (${partsOf('rollup_operations', 'r.start, r.count', names)}) AS summed
    UNION ALL
    SELECT start, n FROM (${operationCells(live, names)}) AS counted`
}

type Day = { start: Date; rows: string; matched: string | null }

/**
 * The days of a window, and what is kept of those whose hours are all known: an hour has never fewer rows than when it
 * was counted, so where the sums over a day are the same, each hour's are.
 */
const readDays = async (db: Queryable, window: Window, filter: RowFilter): Promise<Day[]> => {
  const plan = planOf({ ...window, stepMs: dayMs }, 'fives')
  const key = plan.parameter(keyOf(filter))
  const { rows } = await db.query<Day>(
    `WITH ${plan.cover}, day AS MATERIALIZED (
  SELECT start, sum(n)::int8 AS rows FROM (
    ${countsOf(plan, filter)}
  ) AS both_sources GROUP BY 1
), known AS MATERIALIZED (
  SELECT ${plan.stepOf('start')} AS start, sum(rows)::int8 AS rows, sum(matched)::int8 AS matched FROM throughline.rollup_value_cells
  WHERE filter = ${key}::uuid AND start >= $1::timestamptz AND start + interval '1 hour' <= $2::timestamptz GROUP BY 1
)
SELECT day.start, day.rows::text, known.matched::text FROM day LEFT JOIN known USING (start, rows) ORDER BY 1`,
    plan.values,
  )
  return rows
}

// CASE, not a join: a join would count each hour before it leaves out the ones that are known.
const readHours = async (db: Queryable, window: Window, filter: RowFilter): Promise<Hour[]> => {
  const plan = planOf({ ...window, stepMs: hourMs }, 'fives')
  const key = plan.parameter(keyOf(filter))
  const { rows } = await db.query<Hour>(
    `WITH ${plan.cover}, hour AS MATERIALIZED (
  SELECT start, sum(n)::int8 AS rows, start >= $1::timestamptz AND start + interval '1 hour' <= $2::timestamptz AS whole
  FROM (
    ${countsOf(plan, filter)}
  ) AS both_sources GROUP BY 1, 3
), known AS MATERIALIZED (
  SELECT hour.start, hour.rows, whole, cell.matched FROM hour LEFT JOIN throughline.rollup_value_cells AS cell
    ON whole AND cell.filter = ${key}::uuid AND cell.start = hour.start AND cell.rows = hour.rows
)
SELECT to_char(start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS start, whole, rows::text, matched IS NOT NULL AS kept, ${erasedOf('start')}::text AS erased,
  CASE
    WHEN matched IS NOT NULL THEN matched
    WHEN start >= (SELECT floor FROM throughline.rollup_floor) THEN (
      SELECT count(*) FROM throughline.operations
      WHERE started_at >= greatest(known.start, $1::timestamptz) AND started_at < least(known.start + interval '1 hour', $2::timestamptz)
        AND started_at >= $1::timestamptz AND started_at < $2::timestamptz AND ${rowCondition(filter)})
  END::text AS matched
FROM known`,
    plan.values,
  )
  return rows
}

/**
 * How many rows match, exact. What was counted before is not read again while it has as many rows as then; how many it
 * has is read from the sums, by days first: the hours that are looked at are those from the first day that has changed
 * to the last. Two statements: an answer of one moment needs a transaction of REPEATABLE READ, what is `counted` does not.
 */
export const countMatches = async (db: Queryable, window: Window, filter: RowFilter): Promise<Matches> => {
  const days = await readDays(db, window, filter)
  const open = days.filter(({ matched }) => matched === null).map(({ start }) => start.getTime())
  const first = open[0] ?? Number.POSITIVE_INFINITY
  const from = Math.max(window.from.getTime(), first)
  const until = Math.min(window.until.getTime(), (open.at(-1) ?? 0) + dayMs)
  const settled = days.filter(({ start }) => start.getTime() < first || start.getTime() >= until)
  const hours =
    open.length === 0 ? [] : await readHours(db, { from: new Date(from), until: new Date(until) }, filter)
  const total = (of: (counted: { rows: string; matched: string | null }) => string | null): bigint =>
    [...settled, ...hours].reduce((sum, counted) => sum + BigInt(of(counted) ?? 0), 0n)
  return {
    matched: total(({ matched }) => matched),
    rows: total(({ rows }) => rows),
    lostHours: hours.filter(({ matched }) => matched === null).length,
    counted: hours
      .filter(({ whole, kept, matched }) => whole && !kept && matched !== null)
      .map(({ start, rows, matched, erased }) => ({
        filter: keyOf(filter),
        start,
        rows,
        matched: matched!,
        erased,
      })),
  }
}

/**
 * Keeps what was counted from rows for the next question, but for days of which something was erased since: an erasure
 * forgets the cells that it finds. Needs the rights of a writer.
 */
export const keepMatches = async (db: Queryable, cells: readonly Cell[]): Promise<void> => {
  if (cells.length === 0) return
  await db.query(
    `INSERT INTO throughline.rollup_value_cells (filter, start, rows, matched)
     SELECT filter, start, rows, matched FROM unnest($1::uuid[], $2::timestamptz[], $3::int8[], $4::int8[], $5::int8[])
       AS counted(filter, start, rows, matched, erased)
     WHERE erased = ${erasedOf('start')}
     ON CONFLICT (filter, start) DO UPDATE SET rows = EXCLUDED.rows, matched = EXCLUDED.matched
     WHERE rollup_value_cells.rows <> EXCLUDED.rows`,
    [
      cells.map(({ filter }) => filter),
      cells.map(({ start }) => start),
      cells.map(({ rows }) => rows),
      cells.map(({ matched }) => matched),
      cells.map(({ erased }) => erased),
    ],
  )
}
