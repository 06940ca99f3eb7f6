import type { PoolClient } from 'pg'

type Taken = {
  level: (typeof everyLevel)[number]
  day: { from: string; until: string }
  /** Marks younger than this stay, and those of a time that has not been over for so long. Null takes all. */
  lagMs: number | null
  most: number
}

const spans = { m: '1 minute', f: '5 minutes', h: '1 hour', d: '24 hours', w: '168 hours' } as const
const below = {
  m: 'false',
  f: `level = 'm'`,
  h: `level IN ('m', 'f')`,
  d: `level IN ('m', 'h')`,
  w: `level IN ('m', 'h', 'd')`,
} as const

export const everyLevel = ['m', 'f', 'h', 'd', 'w'] as const

export const isOver = (level: Taken['level']): string => `start <= now() - interval '${spans[level]}'`

/** Whether a mark is due: its time has been over for the lag. $1 is the lag in ms or NULL. */
export const isDue = (level: Taken['level'], lag = '$1'): string =>
  `(${lag}::float8 IS NULL OR ${isOver(level)} - ${lag}::float8 * interval '1 ms')`

const statement = (level: Taken['level']): string => `
WITH due AS (
  SELECT start FROM throughline.rollup_marks AS mark
  WHERE level = '${level}' AND start >= $2 AND start < $3 AND ${isDue(level)}
    AND NOT EXISTS (
      SELECT FROM throughline.rollup_marks AS part
      WHERE ${below[level]} AND part.start >= mark.start AND part.start < mark.start + interval '${spans[level]}')
  GROUP BY start HAVING $1::float8 IS NULL OR min(marked_at) <= now() - $1::float8 * interval '1 ms'
  ORDER BY start LIMIT $4
), gone AS (
  DELETE FROM throughline.rollup_marks AS mark USING due WHERE mark.level = '${level}' AND mark.start = due.start
  RETURNING mark.start
)
SELECT DISTINCT to_char(start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS start FROM gone`

/**
 * Deletes marks that are due, from the earliest on, and answers with their times. A mark of an hour, a day or a week is not due
 * while a part of it is marked: it would be summed up twice.
 */
export const takeMarks = async (client: PoolClient, taken: Taken): Promise<string[]> => {
  const { level, day, lagMs, most } = taken
  const result = await client.query<{ start: string }>(statement(level), [lagMs, day.from, day.until, most])
  return result.rows.map((row) => row.start)
}
