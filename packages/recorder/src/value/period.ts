import { RecorderError } from '../errors.js'

/** A time that is reported on; all days are UTC. */
export type Period = {
  /** As it was asked for: `2026-10`, `2026-Q4`, `2026`, `2026-10-31` or `2026-10-01..2026-10-15`. */
  name: string
  from: Date
  /** The end; of a period that is not over the end of the minute that runs. */
  until: Date
  complete: boolean
}

const dayMs = 86_400_000
const minuteMs = 60_000
const maxDays = 3_660

/** Throws `TL_VALUE_PERIOD`. Without a name: this month. */
export const periodOf = (name: string | undefined, now: Date = new Date()): Period => {
  const asked = name ?? now.toISOString().slice(0, 7)
  const [from, end] = boundsOf(asked) ?? []
  if (from === undefined || end === undefined)
    throw new RecorderError(
      'TL_VALUE_PERIOD',
      `period is ${JSON.stringify(asked.slice(0, 80))}: 2026-10, 2026-Q4, 2026, 2026-10-31 or 2026-10-01..2026-10-15 is needed`,
    )
  if (end <= from) throw new RecorderError('TL_VALUE_PERIOD', `period ${asked} ends before it begins`)
  if (end - from > maxDays * dayMs)
    throw new RecorderError('TL_VALUE_PERIOD', `period ${asked} is longer than ${maxDays} days`)
  if (from >= now.getTime()) throw new RecorderError('TL_VALUE_PERIOD', `period ${asked} has not begun`)
  const minute = (Math.floor(now.getTime() / minuteMs) + 1) * minuteMs
  return {
    name: asked,
    from: new Date(from),
    until: new Date(Math.min(end, minute)),
    complete: end <= now.getTime(),
  }
}

const boundsOf = (name: string): [number, number] | undefined => {
  const year = /^(\d{4})$/.exec(name)
  if (year !== null) return [Date.UTC(Number(year[1]), 0), Date.UTC(Number(year[1]) + 1, 0)]
  const quarter = /^(\d{4})-Q([1-4])$/.exec(name)
  if (quarter !== null) {
    const month = (Number(quarter[2]) - 1) * 3
    return [Date.UTC(Number(quarter[1]), month), Date.UTC(Number(quarter[1]), month + 3)]
  }
  const month = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(name)
  if (month !== null)
    return [Date.UTC(Number(month[1]), Number(month[2]) - 1), Date.UTC(Number(month[1]), Number(month[2]))]
  const [first, last = first, ...rest] = name.split('..')
  const [from, to] = [dayOf(first), dayOf(last)]
  return from === undefined || to === undefined || rest.length > 0 ? undefined : [from, to + dayMs]
}

const dayOf = (text: string | undefined): number | undefined => {
  if (text === undefined || !/^\d{4}-\d\d-\d\d$/.test(text)) return undefined
  const time = Date.parse(text)
  return Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== text ? undefined : time
}
