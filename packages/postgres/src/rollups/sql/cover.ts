/** Which units may be read: a step of five minutes cannot be cut out of hours. */
export type Units = { hours: boolean; days: boolean }

/**
 * The beginning of every read ($1 from, $2 until, whole minutes): which days and hours are read as a whole, which
 * minutes from their sums, and which from the rows. One statement has one snapshot, in which a mark is seen if and only
 * if its rows are and the sums without them: the answer is the same as from the rows alone.
 *
 * `clean_day` and `clean_hour` have `start`, `minute_range` and `row_range` have `lo` and `hi`; `dirty_minute` is to be
 * left out of the minutes.
 */
export const cover = ({ hours, days }: Units): string => `
mark AS MATERIALIZED (
  SELECT DISTINCT level, start FROM throughline.rollup_marks
  WHERE level IN ('m', 'h', 'd') AND start >= $1::timestamptz AND start < $2::timestamptz
    AND (level <> 'm' OR start >= (SELECT floor FROM throughline.rollup_floor))
), dirty_minute AS MATERIALIZED (
  SELECT start FROM mark WHERE level = 'm'
), clean_day AS MATERIALIZED (
  SELECT start FROM generate_series(
    throughline.day_of($1::timestamptz + interval '24 hours' - interval '1 microsecond'),
    $2::timestamptz - interval '24 hours', interval '24 hours') AS start
  WHERE ${days} AND start NOT IN (SELECT throughline.day_of(start) FROM mark)
), open_hour AS MATERIALIZED (
  SELECT start FROM generate_series(
    throughline.hour_of($1::timestamptz), $2::timestamptz - interval '1 microsecond', interval '1 hour') AS start
  WHERE throughline.day_of(start) NOT IN (SELECT start FROM clean_day)
), clean_hour AS MATERIALIZED (
  SELECT start FROM open_hour
  WHERE ${hours} AND start >= $1::timestamptz AND start + interval '1 hour' <= $2::timestamptz
    AND start NOT IN (SELECT throughline.hour_of(start) FROM mark WHERE level IN ('m', 'h'))
), minute_range AS MATERIALIZED (
  SELECT greatest(start, $1::timestamptz) AS lo, least(start + interval '1 hour', $2::timestamptz) AS hi
  FROM open_hour WHERE start NOT IN (SELECT start FROM clean_hour)
), row_range AS MATERIALIZED (
  SELECT min(start) AS lo, max(start) + interval '1 minute' AS hi
  FROM (
    SELECT start, start - row_number() OVER (ORDER BY start) * interval '1 minute' AS island FROM dirty_minute
  ) AS numbered GROUP BY island
)`

/** The same beginning for what no sums are kept for: everything from the rows. */
export const coverByRows = `
clean_day AS (SELECT NULL::timestamptz AS start WHERE false), clean_hour AS (SELECT NULL::timestamptz AS start WHERE false),
minute_range AS (SELECT NULL::timestamptz AS lo, NULL::timestamptz AS hi WHERE false),
dirty_minute AS (SELECT NULL::timestamptz AS start WHERE false),
row_range AS (SELECT $1::timestamptz AS lo, $2::timestamptz AS hi)`

/**
 * The sums of the days, hours and minutes that make up the window; `columns` of `r`. Operations are summed up in three
 * grains (0005), of which one is to be read.
 */
export const partsOf = (
  table: 'rollup_operations' | 'rollup_business' | 'rollup_users',
  columns: string,
  condition = 'true',
  grain: 'o' | 's' | 'a' = 'o',
): string => {
  const of = table === 'rollup_operations' ? `r.grain = '${grain}' AND ` : ''
  const source = `throughline.${table} AS r ON ${of}`
  // The bounds of the window and OFFSET 0 for the planner, as in row-cells.ts: else it may read all minutes there are.
  return `
  SELECT ${columns} FROM clean_day AS c JOIN ${source} r.level = 'd' AND r.start = c.start WHERE ${condition}
  UNION ALL
  SELECT ${columns} FROM clean_hour AS c JOIN ${source} r.level = 'h' AND r.start = c.start WHERE ${condition}
  UNION ALL
  SELECT ${columns} FROM minute_range AS c CROSS JOIN LATERAL (
    SELECT * FROM throughline.${table} AS r WHERE ${of}r.level = 'm' AND r.start >= c.lo AND r.start < c.hi
      AND r.start >= $1::timestamptz AND r.start < $2::timestamptz AND ${condition}
    OFFSET 0
  ) AS r WHERE NOT EXISTS (SELECT FROM dirty_minute AS d WHERE d.start = r.start)`
}
