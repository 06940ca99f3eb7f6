import { hash } from 'node:crypto'
import { partsOf } from '../rollups/sql/cover.js'
import { operationCells } from '../rollups/sql/row-cells.js'
import { planOf, type Queryable } from '../rollups/window.js'
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

type Cell = { filter: string; start: string; rows: string; matched: string }
type Row = { start: string; whole: boolean; rows: string; matched: string | null; kept: boolean }

const hourMs = 3_600_000

/** The same for every process that has the same filter; a change of the meaning of a condition changes its text. */
const keyOf = (filter: RowFilter): string => hash('md5', rowCondition(filter))

// CASE, not a join: a join would count each hour before it leaves out the ones that are known.
/**
 * How many rows match, exact. Hours that were counted before are not read again while they have as many rows as then;
 * how many they have is read from the sums.
 */
export const countMatches = async (
  db: Queryable,
  window: { from: Date; until: Date },
  filter: RowFilter,
): Promise<Matches> => {
  const plan = planOf({ ...window, stepMs: hourMs }, 'fives')
  const names = namesCondition(filter)
  const live = {
    range: 'row_range',
    lower: '$1::timestamptz',
    upper: '$2::timestamptz',
    start: plan.stepOf('o.started_at'),
  }
  const key = plan.parameter(keyOf(filter))
  const { rows } = await db.query<Row>(
    `WITH ${plan.cover}, hour AS MATERIALIZED (
  SELECT start, sum(n)::int8 AS rows, start >= $1::timestamptz AND start + interval '1 hour' <= $2::timestamptz AS whole
  FROM (
    SELECT ${plan.stepOf('start')} AS start, count AS n FROM (${partsOf('rollup_operations', 'r.start, r.count', names)}) AS summed
    UNION ALL
    SELECT start, n FROM (${operationCells(live, names)}) AS counted
  ) AS both_sources GROUP BY 1, 3
), known AS MATERIALIZED (
  SELECT hour.start, hour.rows, whole, cell.matched FROM hour LEFT JOIN throughline.rollup_value_cells AS cell
    ON whole AND cell.filter = ${key}::uuid AND cell.start = hour.start AND cell.rows = hour.rows
)
SELECT to_char(start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS start, whole, rows::text, matched IS NOT NULL AS kept,
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
  const total = (of: (row: Row) => string | null): bigint =>
    rows.reduce((sum, row) => sum + BigInt(of(row) ?? 0), 0n)
  return {
    matched: total((row) => row.matched),
    rows: total((row) => row.rows),
    lostHours: rows.filter(({ matched }) => matched === null).length,
    counted: rows
      .filter(({ whole, kept, matched }) => whole && !kept && matched !== null)
      .map((row) => ({ filter: keyOf(filter), start: row.start, rows: row.rows, matched: row.matched! })),
  }
}

/** Keeps what was counted from rows for the next question. Needs the rights of a writer. */
export const keepMatches = async (db: Queryable, cells: readonly Cell[]): Promise<void> => {
  if (cells.length === 0) return
  await db.query(
    `INSERT INTO throughline.rollup_value_cells (filter, start, rows, matched)
     SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::int8[], $4::int8[])
     ON CONFLICT (filter, start) DO UPDATE SET rows = EXCLUDED.rows, matched = EXCLUDED.matched
     WHERE rollup_value_cells.rows < EXCLUDED.rows`,
    [
      cells.map(({ filter }) => filter),
      cells.map(({ start }) => start),
      cells.map(({ rows }) => rows),
      cells.map(({ matched }) => matched),
    ],
  )
}
