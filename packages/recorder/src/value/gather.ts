import { erasedRows } from '@throughline/postgres/erase'
import {
  countMatches,
  type DayFacts,
  type FactSource,
  inSnapshot,
  keepMatches,
  type Matches,
  readActiveUsers,
  readValueFacts,
  rowsSince,
  type Stretch,
} from '@throughline/postgres/value'
import type { Pool, PoolClient } from 'pg'
import { type Assumption, type ValuedOperation, type ValueModel, valueOn } from './model.js'
import type { Period } from './period.js'

/** What the rows say, all of one moment. */
export type Gathered = {
  facts: readonly DayFacts[]
  stretches: readonly Stretch[]
  users: { users: string; rows: string }
  ratios: readonly { numerator: Matches; denominator: Matches }[]
  /** Everything invested up to the end of the period. */
  invested: readonly string[]
  /** The first day whose savings count against the investment; null: nothing was invested. */
  since: string | null
  /** Rows before this are gone, their sums are not. */
  rowsSince: Date | null
  /** Rows of these days that were erased: the figures are without them. */
  erased: number
}

const dayMs = 86_400_000

export const dayOf = (time: Date): string => time.toISOString().slice(0, 10)

/** The last day that the period has so far. */
export const lastDay = (period: Period): string => dayOf(new Date(period.until.getTime() - 1))

/** Reads all that a report needs in one snapshot, then keeps what was counted from rows for the next one. */
export const gather = async (pool: Pool, model: ValueModel, period: Period): Promise<Gathered> => {
  const since = model.since
  const window = { from: earlier(since, period.from), until: period.until }
  const sources = model.operations.map(sourceOf)
  const read = await inSnapshot(pool, async (client) => ({
    facts: await readValueFacts(client, window, sources),
    users: await readActiveUsers(client, period, model.adoption),
    ratios: await readRatios(client, model, period),
    rowsSince: await rowsSince(client),
    erased: await erasedRows(client, window),
  }))
  const counted = read.ratios.flatMap(({ numerator, denominator }) => [
    ...numerator.counted,
    ...denominator.counted,
  ])
  // A role that may only read counts again next time.
  await keepMatches(pool, counted).catch(() => {})
  return {
    ...read,
    stretches: model.operations.flatMap((operation) => stretchesOf(operation, window, period, since)),
    invested: model.investments.filter(({ on }) => on <= lastDay(period)).map(({ amount }) => amount),
    since,
  }
}

const earlier = (day: string | null, time: Date): Date =>
  day !== null && Date.parse(day) < time.getTime() ? new Date(day) : time

const sourceOf = ({ filter, business }: ValuedOperation): FactSource => ({
  filter,
  business: business ?? undefined,
})

const readRatios = async (
  client: PoolClient,
  model: ValueModel,
  period: Period,
): Promise<Gathered['ratios']> => {
  const ratios: { numerator: Matches; denominator: Matches }[] = []
  for (const { numerator, denominator } of model.ratios)
    ratios.push({
      numerator: await countMatches(client, period, numerator),
      denominator: await countMatches(client, period, denominator),
    })
  return ratios
}

/** The time is cut wherever an assumption changes, the period begins, or savings begin to count. */
const stretchesOf = (
  operation: ValuedOperation,
  window: { from: Date; until: Date },
  period: Period,
  since: string | null,
): Stretch[] => {
  const { minutesSaved, hourlyRate } = operation
  const cuts = [
    window.from.getTime(),
    period.from.getTime(),
    ...(since === null ? [] : [Date.parse(since)]),
    ...[minutesSaved, hourlyRate].flatMap(boundaries),
    window.until.getTime(),
  ]
  const times = [...new Set(cuts)]
    .filter((time) => time >= window.from.getTime() && time <= window.until.getTime())
    .sort((a, b) => a - b)
  return times.slice(0, -1).map((time, at) => {
    const day = dayOf(new Date(time))
    return {
      operation: operation.name,
      source: sourceOf(operation),
      from: new Date(time),
      until: new Date(times[at + 1]!),
      inPeriod: time >= period.from.getTime(),
      toDate: since !== null && day >= since,
      minutes: minutesSaved === null ? null : (valueOn(minutesSaved, day)?.value ?? null),
      rate: hourlyRate === null ? null : (valueOn(hourlyRate, day)?.value ?? null),
    }
  })
}

const boundaries = (assumption: Assumption | null): number[] =>
  (assumption?.values ?? []).flatMap(({ from, to }) => [
    ...(from === null ? [] : [Date.parse(from)]),
    ...(to === null ? [] : [Date.parse(to) + dayMs]),
  ])
