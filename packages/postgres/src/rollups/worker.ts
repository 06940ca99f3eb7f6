import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import { PostgresError } from '../errors.js'
import { everyLevel, isDue } from './sql/take-marks.js'
import { type StepOptions, type StepResult, stepDay } from './step.js'

export type RollupOptions = {
  /** How long a minute must be over, and a late row be there, before it is summed up, in ms. Default 10,000. */
  lagMs?: number
  /** Pause between two looks for work, in ms. Default 5,000. */
  intervalMs?: number
  /** How long one transaction should take, in ms: so many minutes it takes on. Default 500. */
  stepMs?: number
  onError?: (error: unknown) => void
}

export type Rollups = {
  /** Resolves when the step under way has ended. */
  stop: () => Promise<void>
}

const maxMinutes = 240
const firstMinutes = 10

const candidates = `SELECT DISTINCT throughline.day_of(start) AS day FROM throughline.rollup_marks
  WHERE ${everyLevel.map((level) => `(level = '${level}' AND ${isDue(level)})`).join(' OR ')}
  ORDER BY day DESC`

/** One step for each day in turn, the newest first: a backlog of old days must not make today slow to read. */
const createPass = (pool: Pool, options: Omit<StepOptions, 'minutes'> & { stepMs: number }) => {
  let minutes = firstMinutes

  const stepOf = async (day: Date): Promise<StepResult> => {
    const before = performance.now()
    try {
      const result = await stepDay(pool, day, { ...options, minutes })
      const tookMs = Math.max(1, performance.now() - before)
      if (result.minutes > 0)
        minutes = clamp(Math.round((result.minutes * options.stepMs) / tookMs), minutes * 2)
      return result
    } catch (error) {
      // Too many rows for the pool's statement timeout, perhaps.
      minutes = Math.max(1, minutes >> 1)
      throw error
    }
  }

  /** Resolves with how much was done; a day that fails does not hold up the others. */
  return async (mayGoOn: () => boolean): Promise<number> => {
    const { rows } = await pool.query<{ day: Date }>(candidates, [options.lagMs])
    let done = 0
    let fault: { error: unknown } | undefined
    for (const { day } of rows) {
      if (!mayGoOn()) break
      try {
        const result = await stepOf(day)
        done += result.minutes + result.fives + result.hours + result.days + result.weeks
      } catch (error) {
        fault = { error }
      }
    }
    if (fault !== undefined) throw fault.error
    return done
  }
}

const clamp = (minutes: number, most: number): number => Math.min(Math.max(minutes, 1), most, maxMinutes)

const check = (name: string, value: number, least: number): number => {
  if (!(value >= least && value <= 86_400_000))
    throw new PostgresError('TL_POSTGRES_OPTION', `${name} is ${value}, not ${least} to 86400000`)
  return value
}

/**
 * Sums up everything that is marked now, however fresh, and resolves when nothing is left; waits for other workers.
 * For tests, tools and a first start; a service runs `startRollups`. Rejects with the error of Postgres.
 */
export const rollUp = async (pool: Pool, options: Pick<RollupOptions, 'stepMs'> = {}): Promise<void> => {
  const pass = createPass(pool, {
    lagMs: null,
    wait: true,
    stepMs: check('stepMs', options.stepMs ?? 500, 1),
  })
  while ((await pass(() => true)) > 0);
}

/**
 * Keeps the sums up to date until `stop`. Any number of processes may do so on one database; each day is worked on by
 * one of them at a time, over one connection of the pool. After a fault it says so and goes on at the next interval.
 */
export const startRollups = (pool: Pool, options: RollupOptions = {}): Rollups => {
  const intervalMs = check('intervalMs', options.intervalMs ?? 5_000, 1)
  const pass = createPass(pool, {
    lagMs: check('lagMs', options.lagMs ?? 10_000, 0),
    wait: false,
    stepMs: check('stepMs', options.stepMs ?? 500, 1),
  })
  const stopping = new AbortController()
  const goesOn = (): boolean => !stopping.signal.aborted

  const run = async (): Promise<void> => {
    while (goesOn()) {
      try {
        while (goesOn() && (await pass(goesOn)) > 0);
      } catch (error) {
        if (goesOn()) options.onError?.(error)
      }
      // Half of it by chance, so that several recorders do not look in step.
      await delay(intervalMs * (0.5 + Math.random() / 2), undefined, {
        signal: stopping.signal,
        ref: false,
      }).catch(() => {})
    }
  }
  const running = run()
  return {
    async stop() {
      stopping.abort()
      await running
    },
  }
}
