import { spanBytes } from '../rollups/sql/job-cells.js'
import type { Queryable } from '../rollups/window.js'
import { maxSpans, reachHours } from './jobs-limits.js'
import type { Spans } from './jobs-peak.js'
import { ofSums } from './jobs-sql.js'
import type { JobsWindow } from './jobs-window.js'
import { parametersOf } from './operation-filter.js'

const hourMs = 3_600_000

type KeptSpans = {
  within: Spans[]
  /** Of jobs that began before the window and may reach into it. */
  earlier: Spans[]
  /** Since when they are all of them; undefined: since the window began. */
  cutSince: Date | undefined
}

/** What is kept of when jobs ran, of the minutes that are summed up; an hour at a time, the newest first. */
export const readSpans = async (db: Queryable, window: JobsWindow, since: Date): Promise<KeptSpans> => {
  const { first, last } = window
  const least = Math.max(first.getTime(), since.getTime())
  const within: Spans[] = []
  let count = 0
  let until = last.getTime()
  while (until > least && count < maxSpans) {
    const from = Math.max(Math.floor((until - 1) / hourMs) * hourMs, first.getTime())
    for (const one of await read(db, window, new Date(from), new Date(until)))
      if (one.start.getTime() >= least) {
        within.push(one)
        count += one.spans.length / spanBytes
      }
    until = from
  }
  if (until > least) return { within, earlier: [], cutSince: new Date(until) }
  if (since > window.from) return { within, earlier: [], cutSince: undefined }
  // The minute in which the window begins is among them, and what began in it before the window.
  const back = new Date(Math.floor(window.from.getTime() / hourMs) * hourMs - reachHours * hourMs)
  return { within, earlier: await read(db, window, back, first, window.from), cutSince: undefined }
}

const read = async (
  db: Queryable,
  window: JobsWindow,
  from: Date,
  until: Date,
  reach = from,
): Promise<Spans[]> => {
  const parameters = parametersOf()
  const [low, high, least] = [from, until, reach].map((time) => parameters.add(time.toISOString()))
  const { rows } = await db.query<Spans>(
    `SELECT queue, type, start, spans FROM throughline.rollup_job_spans AS s
     WHERE start >= ${low} AND start < ${high} AND reach > ${least} AND ${ofSums(window, parameters)}
       AND NOT EXISTS (
         SELECT FROM throughline.rollup_marks AS m
         WHERE m.level = 'm' AND m.start = s.start AND m.start >= (SELECT floor FROM throughline.rollup_floor))
     ORDER BY start`,
    parameters.values,
  )
  return rows
}
