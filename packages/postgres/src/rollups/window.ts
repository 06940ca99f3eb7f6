import type { Pool } from 'pg'
import { PostgresError } from '../errors.js'
import { marksCover, rowsCover, type Units, unitsCover } from './sql/cover.js'

/** A pool or one connection of it. */
export type Queryable = Pick<Pool, 'query'>

export type RollupWindow = {
  /** Cut down to its minute. */
  from: Date
  /** Not included; the rest of its minute is added. */
  until: Date
  /** Length of a step in ms, whole minutes, counted from midnight UTC. Without it the window is one step. */
  stepMs?: number
  /** Most rows of an answer, the largest first (default 1,000); `cut` says that there were more. */
  limit?: number
}

const minuteMs = 60_000
const fiveMs = 300_000
const hourMs = 3_600_000
const dayMs = 86_400_000
const origin = `'2000-01-01 00:00:00+00'::timestamptz`

export type Plan = {
  from: Date
  until: Date
  limit: number
  values: unknown[]
  units: Units
  /** The first common table expressions of the statement. */
  cover: string
  /** The step of a time, as SQL. */
  stepOf: (time: string) => string
  /** Adds a parameter and answers with its name in the statement. */
  parameter: (value: unknown) => string
}

/** Sums beside those of hours and days: `fives` are there of the operations alone, `weeks` of the users. `rows`: no sums at all. */
type Source = 'hours' | 'fives' | 'weeks' | 'rows'

/** Checks the window and says which sums it may be read from. Throws `TL_POSTGRES_OPTION`. */
export const planOf = (window: RollupWindow, source: Source = 'hours'): Plan => {
  const from = new Date(Math.floor(window.from.getTime() / minuteMs) * minuteMs)
  const until = new Date(Math.ceil(window.until.getTime() / minuteMs) * minuteMs)
  const { stepMs, limit = 1_000 } = window
  if (!(window.until > window.from))
    throw new PostgresError('TL_POSTGRES_OPTION', 'the window ends before it begins')
  if (stepMs !== undefined && !(stepMs >= minuteMs && stepMs % minuteMs === 0))
    throw new PostgresError('TL_POSTGRES_OPTION', `stepMs is ${stepMs}, not whole minutes`)
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= 100_000))
    throw new PostgresError('TL_POSTGRES_OPTION', `limit is ${limit}, not 1 to 100000`)
  const values: unknown[] = [from.toISOString(), until.toISOString()]
  const parameter = (value: unknown): string => `$${values.push(value)}`
  const fits = (unitMs: number): boolean => stepMs === undefined || stepMs % unitMs === 0
  const units =
    source === 'rows'
      ? null
      : {
          fives: source === 'fives' && fits(fiveMs),
          hours: fits(hourMs),
          days: fits(dayMs),
          // Steps are counted from another day than Monday.
          weeks: source === 'weeks' && stepMs === undefined,
        }
  return {
    from,
    until,
    limit,
    values,
    units,
    cover: `${units === null ? rowsCover : marksCover}, ${unitsCover(units)}`,
    stepOf: (time) =>
      stepMs === undefined
        ? '$1::timestamptz'
        : `date_bin(${Math.floor(stepMs / minuteMs)} * interval '1 minute', ${time}, ${origin})`,
    parameter,
  }
}

/** A condition for the columns that a filter names; texts only ever travel as parameters. */
export const conditionOf = (
  plan: Plan,
  columns: Record<string, string>,
  filter: Record<string, unknown>,
): string =>
  Object.entries(columns)
    .filter(([name]) => filter[name] !== undefined)
    .map(([name, column]) => `${column} = ${plan.parameter(filter[name] ?? '')}`)
    .join(' AND ') || 'true'

export const textOrNull = (text: string): string | null => (text === '' ? null : text)
