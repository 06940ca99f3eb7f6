/** What the last status check of a queue found; null: it did not say. */
export type QueueState = {
  queue: string
  checkedAt: Date
  pending: number | null
  running: number | null
  completed: number | null
  failed: number | null
  cancelled: number | null
  depth: number | null
  oldestAgeS: number | null
}

/** A process that makes status checks. */
export type JobHost = {
  queue: string
  host: string | null
  instance: string | null
  checkedAt: Date
  /** Between the last two checks. */
  intervalMs: number | null
  checks: number
  failedChecks: number
  /** What the last check failed with; undefined: it did not fail; null: without a type. */
  failure: string | null | undefined
  slots: number | null
  running: number | null
  /** The most that it ran at once, by its own count. */
  peak: number | null
  /** 0 to 1. */
  usage: { cpu: number | null; memory: number | null; disk: number | null; slots: number | null }
}

/** What stands in metadata may be anything; a figure is a number that is not negative. */
const figure = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null
const whole = (value: unknown): number | null => {
  const number = figure(value)
  return number === null ? null : Math.min(Math.round(number), Number.MAX_SAFE_INTEGER)
}
const share = (value: unknown): number | null => {
  const number = figure(value)
  return number === null ? null : Math.min(number, 1)
}

export type StateRow = { queue: string; at: string; state: Record<string, unknown> }

export const stateOf = ({ queue, at, state }: StateRow): QueueState => ({
  queue,
  checkedAt: new Date(at),
  pending: whole(state.pending),
  running: whole(state.running),
  completed: whole(state.completed),
  failed: whole(state.failed),
  cancelled: whole(state.cancelled),
  depth: whole(state.depth),
  oldestAgeS: figure(state.oldest_age_s),
})

export const hostOf = (row: Record<string, unknown>): JobHost => {
  const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)
  const usage = (typeof row.usage === 'object' && row.usage !== null ? row.usage : {}) as Record<
    string,
    unknown
  >
  const checkedAt = new Date(String(row.at))
  return {
    queue: String(row.queue),
    host: text(row.host),
    instance: text(row.instance),
    checkedAt,
    intervalMs: row.before === null ? null : checkedAt.getTime() - Date.parse(String(row.before)),
    checks: Number(row.checks),
    failedChecks: Number(row.failures),
    failure: row.success === true ? undefined : text(row.error),
    slots: whole(row.capacity),
    running: whole(row.running),
    peak: whole(row.peak),
    usage: {
      cpu: share(usage.cpu),
      memory: share(usage.memory),
      disk: share(usage.disk),
      slots: share(usage.slots),
    },
  }
}
