import type { Pool, PoolClient } from 'pg'
import { inTransaction } from '../transaction.js'
import { type Level, levels } from './levels.js'
import { sumJobHours, sumJobMinutes } from './sql/sum-jobs.js'
import { sumMinutes } from './sql/sum-minutes.js'
import { sumParts } from './sql/sum-parts.js'
import { takeMarks } from './sql/take-marks.js'

const dayMs = 86_400_000
/** As close_rollup_day counts: an arbitrary number, plus days since 2000-01-01. */
const lockBase = 730_547_221_400_000
const firstDayMs = Date.UTC(2000, 0, 1)

export type StepOptions = {
  /** Null: whatever is marked, however fresh. */
  lagMs: number | null
  minutes: number
  /** Wait for another worker that has the day, or leave the day to it. */
  wait: boolean
}

export type StepResult = { minutes: number; fives: number; hours: number; days: number; weeks: number }

/** Hours of a day, and about as many five minutes as a step has minutes for. */
const maxParts = 48

const nothing: StepResult = { minutes: 0, fives: 0, hours: 0, days: 0, weeks: 0 }

/** Postgres' default of 4 MB puts the histograms of a few hours on disk, which takes more than twice as long. */
const moreMemory = `SELECT set_config('work_mem', '16MB', true) WHERE pg_size_bytes(current_setting('work_mem')) < pg_size_bytes('16MB')`

type Day = { from: string; until: string }

/**
 * One step of one day, in one transaction. Its order is what makes it right:
 *
 * - the day is locked, so that two workers never replace the same sums, an older snapshot last;
 * - marks are deleted in a statement before the rows are read. In READ COMMITTED the later statement has the later
 *   snapshot: each row whose mark is gone is seen, and a row that comes after leaves its own mark;
 * - a minute that was summed up marks its five minutes and its hour, an hour its day, a day its week. They are summed
 *   up when no part of them is marked. A week is summed up behind the lock of its first day: another day of it may
 *   change meanwhile, and marks the week again.
 *
 * A day whose rows are gone (retention) keeps its sums: its marks are deleted unread. Retention closes the day behind
 * the same lock before it drops the rows; rows that vanish in any other way are noticed after reading, and the step is
 * undone.
 */
export const stepDay = async (pool: Pool, dayStart: Date, options: StepOptions): Promise<StepResult> => {
  const day = { from: dayStart.toISOString(), until: new Date(dayStart.getTime() + dayMs).toISOString() }
  return inTransaction(pool, async (client) => {
    if (!(await lockDay(client, dayStart, options.wait))) return nothing
    await client.query(moreMemory)
    const minutes = (await hasRows(client, day)) ? await sumDirtyMinutes(client, day, options) : 0
    const fives = await sumDirtyParts(client, day, options, levels.five)
    const hours = await sumDirtyParts(client, day, options, levels.hour)
    const days = await sumDirtyParts(client, day, options, levels.day)
    const weeks = await sumDirtyParts(client, day, options, levels.week)
    return { minutes, fives, hours, days, weeks }
  })
}

const lockDay = async (client: PoolClient, dayStart: Date, wait: boolean): Promise<boolean> => {
  const key = lockBase + (dayStart.getTime() - firstDayMs) / dayMs
  if (wait) {
    await client.query('SELECT pg_advisory_xact_lock($1)', [key])
    return true
  }
  const result = await client.query<{ got: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS got', [key])
  return result.rows[0]?.got === true
}

// A mark is committed with its row, so a marked day without rows has lost them.
const rowsRemain = async (client: PoolClient, day: Day): Promise<boolean> => {
  const result = await client.query<{ remain: boolean }>(
    `SELECT floor <= $1 AND EXISTS (SELECT FROM throughline.operations WHERE started_at >= $1 AND started_at < $2) AS remain
     FROM throughline.rollup_floor`,
    [day.from, day.until],
  )
  return result.rows[0]?.remain === true
}

const hasRows = async (client: PoolClient, day: Day): Promise<boolean> => {
  if (await rowsRemain(client, day)) return true
  await client.query(
    `DELETE FROM throughline.rollup_marks WHERE level = 'm' AND start >= $1 AND start < $2`,
    [day.from, day.until],
  )
  return false
}

const unitOf = { f: 'five_of', h: 'hour_of', d: 'day_of', w: 'week_of' } as const

const mark = (client: PoolClient, level: keyof typeof unitOf, starts: readonly string[]): Promise<unknown> =>
  client.query(
    `INSERT INTO throughline.rollup_marks (level, start)
     SELECT DISTINCT '${level}'::"char", throughline.${unitOf[level]}(start) FROM unnest($1::timestamptz[]) AS start`,
    [starts],
  )

const sumDirtyMinutes = async (client: PoolClient, day: Day, options: StepOptions): Promise<number> => {
  const taken = { level: 'm', day, lagMs: options.lagMs, most: options.minutes } as const
  const minutes = await takeMarks(client, taken)
  if (minutes.length === 0) return 0
  await client.query('SAVEPOINT minutes')
  await sumMinutes(client, minutes, day)
  await sumJobMinutes(client, minutes, day)
  if (!(await rowsRemain(client, day))) {
    await client.query('ROLLBACK TO SAVEPOINT minutes')
    return minutes.length
  }
  await mark(client, 'f', minutes)
  await mark(client, 'h', minutes)
  return minutes.length
}

const sumDirtyParts = async (
  client: PoolClient,
  day: Day,
  options: StepOptions,
  level: Level,
): Promise<number> => {
  const starts = await takeMarks(client, { level: level.level, day, lagMs: options.lagMs, most: maxParts })
  if (starts.length === 0) return 0
  await sumParts(client, level, starts)
  if (level.level === 'h') {
    await sumJobHours(client, starts)
    await mark(client, 'd', starts)
  }
  if (level.level === 'd') await mark(client, 'w', starts)
  return starts.length
}
