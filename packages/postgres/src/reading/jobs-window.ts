export type JobsQuery = {
  from: Date
  /** Not included. */
  until: Date
  queue?: string | undefined
  type?: string | undefined
  /** Types that get figures of their own, those with the most jobs. */
  types: number
  stepMs: number
}

/** With its whole minutes, from `first` to `last`; where there is none both are its end. */
export type JobsWindow = JobsQuery & { first: Date; last: Date }

const minuteMs = 60_000

export const jobsWindow = (query: JobsQuery): JobsWindow => {
  const [from, until] = [query.from.getTime(), query.until.getTime()]
  const first = Math.ceil(from / minuteMs) * minuteMs
  const last = Math.floor(until / minuteMs) * minuteMs
  return first < last
    ? { ...query, first: new Date(first), last: new Date(last) }
    : { ...query, first: new Date(until), last: new Date(until) }
}
