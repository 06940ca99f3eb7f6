import type { Grain } from '../levels.js'

/** Which units may be read: a step of five minutes cannot be cut out of hours. Null: none, everything from the rows. */
export type Units = { fives: boolean; hours: boolean; days: boolean; weeks: boolean } | null

/** The minutes of `mark`, and the ranges (`lo`, `hi`) that they make. */
export const dirtyMinutes = (ranges: string): string => `dirty_minute AS MATERIALIZED (
  SELECT start FROM mark WHERE level = 'm'
), ${ranges} AS MATERIALIZED (
  SELECT min(start) AS lo, max(start) + interval '1 minute' AS hi
  FROM (
    SELECT start, start - row_number() OVER (ORDER BY start) * interval '1 minute' AS island FROM dirty_minute
  ) AS numbered GROUP BY island
)`

/**
 * The beginning of every read ($1 from, $2 until, whole minutes): which minutes are not summed up and come from the
 * rows. One statement has one snapshot, in which a mark is seen if and only if its rows are and the sums without them:
 * the answer is the same as from the rows alone.
 *
 * `row_range` has `lo` and `hi`, `dirty_minute` is to be left out of the minutes, `mark` of larger units.
 */
export const marksCover = `
mark AS MATERIALIZED (
  SELECT DISTINCT level, start FROM throughline.rollup_marks
  WHERE level IN ('m', 'f', 'h', 'd', 'w') AND start >= $1::timestamptz AND start < $2::timestamptz
    AND (level <> 'm' OR start >= (SELECT floor FROM throughline.rollup_floor))
), ${dirtyMinutes('row_range')}`

/** The same beginning for what no sums are kept for. */
export const rowsCover = `
dirty_minute AS (SELECT NULL::timestamptz AS start WHERE false),
row_range AS (SELECT $1::timestamptz AS lo, $2::timestamptz AS hi)`

/**
 * Which weeks, days, hours and five minutes are read as a whole, which minutes one by one: `clean_week`, `clean_day`,
 * `clean_hour` and `clean_five` have `start`, `minute_range` has `lo` and `hi`; `name` is appended to each, for several of them in one
 * statement. Needs `marksCover`. A mark of five minutes says nothing of their hour, which has one of its own.
 */
export const unitsCover = (units: Units, name = ''): string => {
  if (units === null) return noUnits(name)
  const { fives, hours, days, weeks } = units
  return `
clean_week${name} AS MATERIALIZED (
  SELECT start FROM generate_series(
    throughline.week_of($1::timestamptz + interval '168 hours' - interval '1 microsecond'),
    $2::timestamptz - interval '168 hours', interval '168 hours') AS start
  WHERE ${weeks} AND start NOT IN (SELECT throughline.week_of(start) FROM mark WHERE level <> 'f')
), clean_day${name} AS MATERIALIZED (
  SELECT start FROM generate_series(
    throughline.day_of($1::timestamptz + interval '24 hours' - interval '1 microsecond'),
    $2::timestamptz - interval '24 hours', interval '24 hours') AS start
  WHERE ${days} AND start NOT IN (SELECT throughline.day_of(start) FROM mark WHERE level NOT IN ('f', 'w'))
    AND throughline.week_of(start) NOT IN (SELECT start FROM clean_week${name})
), open_hour${name} AS MATERIALIZED (
  SELECT start FROM generate_series(
    throughline.hour_of($1::timestamptz), $2::timestamptz - interval '1 microsecond', interval '1 hour') AS start
  WHERE throughline.day_of(start) NOT IN (SELECT start FROM clean_day${name})
    AND throughline.week_of(start) NOT IN (SELECT start FROM clean_week${name})
), clean_hour${name} AS MATERIALIZED (
  SELECT start FROM open_hour${name}
  WHERE ${hours} AND start >= $1::timestamptz AND start + interval '1 hour' <= $2::timestamptz
    AND start NOT IN (SELECT throughline.hour_of(start) FROM mark WHERE level IN ('m', 'h'))
), left_hour${name} AS MATERIALIZED (
  SELECT start FROM open_hour${name} WHERE start NOT IN (SELECT start FROM clean_hour${name})
), ${fives ? splitFives(name) : `clean_five${name} AS (SELECT NULL::timestamptz AS start WHERE false), ${minuteRange(`left_hour${name}`, '1 hour', name)}`}`
}

const splitFives = (name: string): string => `open_five${name} AS MATERIALIZED (
  SELECT five AS start FROM left_hour${name},
    generate_series(start, start + interval '55 minutes', interval '5 minutes') AS five
  WHERE five < $2::timestamptz AND five + interval '5 minutes' > $1::timestamptz
), clean_five${name} AS MATERIALIZED (
  SELECT start FROM open_five${name}
  WHERE start >= $1::timestamptz AND start + interval '5 minutes' <= $2::timestamptz
    AND start NOT IN (SELECT throughline.five_of(start) FROM mark WHERE level IN ('m', 'f'))
), ${minuteRange(`(SELECT start FROM open_five${name} WHERE start NOT IN (SELECT start FROM clean_five${name})) AS five`, '5 minutes', name)}`

const minuteRange = (
  source: string,
  span: string,
  name: string,
): string => `minute_range${name} AS MATERIALIZED (
  SELECT greatest(start, $1::timestamptz) AS lo, least(start + interval '${span}', $2::timestamptz) AS hi FROM ${source}
)`

const noUnits = (name: string): string => `
clean_week${name} AS (SELECT NULL::timestamptz AS start WHERE false),
clean_day${name} AS (SELECT NULL::timestamptz AS start WHERE false),
clean_hour${name} AS (SELECT NULL::timestamptz AS start WHERE false),
clean_five${name} AS (SELECT NULL::timestamptz AS start WHERE false),
minute_range${name} AS (SELECT NULL::timestamptz AS lo, NULL::timestamptz AS hi WHERE false)`

type Table = 'rollup_operations' | 'rollup_business' | 'rollup_version_values' | 'rollup_users'

/**
 * The sums of the units that make up the window; `columns` of `r`. Operations are summed up in several grains, of which
 * one is to be read, and they alone are there for five minutes; users alone are there for weeks.
 */
export const partsOf = (
  table: Table,
  columns: string,
  condition = 'true',
  grain: Grain = 'o',
  name = '',
): string => {
  const ofOperations = table === 'rollup_operations'
  const of = ofOperations ? `r.grain = '${grain}' AND ` : ''
  // OFFSET 0 and the bounds of the window for the planner, as in row-cells.ts: it keeps to one index scan for each unit,
  // else it may read all units of a level that there are.
  const whole = (units: string, level: 'w' | 'd' | 'h' | 'f'): string => `
  SELECT ${columns} FROM ${units}${name} AS c CROSS JOIN LATERAL (
    SELECT * FROM throughline.${table} AS r WHERE ${of}r.level = '${level}' AND r.start = c.start AND ${condition} OFFSET 0
  ) AS r
  UNION ALL`
  return `${table === 'rollup_users' ? whole('clean_week', 'w') : ''}${whole('clean_day', 'd')}${whole('clean_hour', 'h')}${ofOperations ? whole('clean_five', 'f') : ''}
  SELECT ${columns} FROM minute_range${name} AS c CROSS JOIN LATERAL (
    SELECT * FROM throughline.${table} AS r WHERE ${of}r.level = 'm' AND r.start >= c.lo AND r.start < c.hi
      AND r.start >= $1::timestamptz AND r.start < $2::timestamptz AND ${condition}
    OFFSET 0
  ) AS r WHERE NOT EXISTS (SELECT FROM dirty_minute AS d WHERE d.start = r.start)`
}
