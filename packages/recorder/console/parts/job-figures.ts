import type { JobFigures, JobHost, JobsAnswer, QueueState } from '../../src/client.js'
import { count, duration, percent, plural, rate } from '../format.js'

/** Of one queue, or of all of them. */
export type JobScope = {
  /** Null: all. */
  queue: string | null
  figures: JobFigures
  state: PresentState | null
  /** Undefined: of several queues. */
  checks: JobsAnswer['queues'][number]['checks'] | undefined
  hosts: readonly JobHost[]
}

/** What the last status checks said: of several queues the sums, the longest wait, the oldest check. */
export type PresentState = Pick<
  QueueState,
  | 'pending'
  | 'running'
  | 'completed'
  | 'failed'
  | 'cancelled'
  | 'depth'
  | 'oldestAgeSeconds'
  | 'ageSeconds'
  | 'checkedAt'
  | 'stale'
>

export type JobFigure = {
  key: string
  title: string
  /** Null: not known. In the unit in which a threshold is typed. */
  read: (scope: JobScope) => number | null
  show: (value: number | null) => string
  /** Which way is bad. */
  bad: 'above' | 'below'
  /** Of a threshold: `s`, `%`, `jobs`, `jobs/min`. */
  unit: string
}

const sum = (values: readonly (number | null)[]): number | null => {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0)
}
const most = (values: readonly (number | null)[]): number | null => {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : Math.max(...known)
}

const stateOf = (states: readonly QueueState[]): PresentState | null => {
  const [first, ...others] = states.toSorted((a, b) => b.ageSeconds - a.ageSeconds)
  if (first === undefined) return null
  if (others.length === 0) return first
  const total = (key: 'pending' | 'running' | 'completed' | 'failed' | 'cancelled' | 'depth') =>
    sum(states.map((state) => state[key]))
  return {
    pending: total('pending'),
    running: total('running'),
    completed: total('completed'),
    failed: total('failed'),
    cancelled: total('cancelled'),
    depth: total('depth'),
    oldestAgeSeconds: most(states.map((state) => state.oldestAgeSeconds)),
    ageSeconds: first.ageSeconds,
    checkedAt: first.checkedAt,
    stale: states.some((state) => state.stale),
  }
}

/** Undefined: the answer knows no such queue. */
export const scopeOf = (answer: JobsAnswer, queue: string | null): JobScope | undefined => {
  if (queue === null)
    return {
      queue,
      figures: answer.total,
      state: stateOf(answer.queues.flatMap(({ state }) => state ?? [])),
      checks: answer.queues.length === 1 ? answer.queues[0]?.checks : undefined,
      hosts: answer.hosts,
    }
  const found = answer.queues.find((one) => one.queue === queue)
  if (found === undefined) return undefined
  const hosts = answer.hosts.filter((host) => host.queue === queue)
  return { queue, figures: found, state: found.state, checks: found.checks, hosts }
}

/** Slots of the processes whose checks are fresh: one that stopped has none. */
export const slotsOf = ({ hosts }: JobScope): { slots: number; running: number } | null => {
  const fresh = hosts.filter(({ stale, slots }) => !stale && slots !== null)
  if (fresh.length === 0) return null
  return {
    slots: sum(fresh.map((one) => one.slots)) ?? 0,
    running: sum(fresh.map((one) => one.running)) ?? 0,
  }
}

const inSeconds = (ms: number | null): number | null => (ms === null ? null : ms / 1000)
const inPercent = (share: number | null): number | null => (share === null ? null : share * 100)
const seconds = (value: number | null): string => duration(value === null ? null : value * 1000)
/** In seconds, then in minutes: how old it is to the second is no news. */
const ageText = (value: number | null): string =>
  value === null
    ? '–'
    : value < 120
      ? `${Math.round(value)} s`
      : seconds(Math.round(value / 60) * 60).replace(' 00 s', '')
const shareText = (value: number | null): string => percent(value === null ? null : value / 100)
const countText = (value: number | null): string => (value === null ? '–' : count(value))
const busiest = (scope: JobScope, part: keyof JobHost['usage']): number | null =>
  inPercent(most(scope.hosts.filter(({ stale }) => !stale).map(({ usage }) => usage[part])))

const jobs = { show: countText, bad: 'above', unit: 'jobs' } as const
const time = { show: seconds, bad: 'above', unit: 's' } as const
const share = { show: shareText, bad: 'above', unit: '%' } as const

/** What the last status check said. */
export const presentFigures: readonly JobFigure[] = [
  { key: 'pending', title: 'Pending', read: ({ state }) => state?.pending ?? null, ...jobs },
  { key: 'running', title: 'Running', read: ({ state }) => state?.running ?? null, ...jobs },
  { key: 'completed', title: 'Completed', read: ({ state }) => state?.completed ?? null, ...jobs },
  { key: 'failed', title: 'Failed', read: ({ state }) => state?.failed ?? null, ...jobs },
  { key: 'cancelled', title: 'Cancelled', read: ({ state }) => state?.cancelled ?? null, ...jobs },
  { key: 'depth', title: 'Queue depth', read: ({ state }) => state?.depth ?? null, ...jobs },
  { key: 'oldest', title: 'Longest wait', read: ({ state }) => state?.oldestAgeSeconds ?? null, ...time },
  {
    key: 'age',
    title: 'Last status check',
    read: ({ state }) => state?.ageSeconds ?? null,
    ...time,
    show: ageText,
  },
]

export const hostFigures: readonly JobFigure[] = [
  {
    key: 'slots',
    title: 'Slots used',
    read: (scope) => {
      const found = slotsOf(scope)
      return found === null || found.slots === 0 ? null : (100 * found.running) / found.slots
    },
    ...share,
    show: (value) => shareText(value === null ? null : Math.min(value, 100)),
  },
  { key: 'cpu', title: 'CPU, busiest host', read: (scope) => busiest(scope, 'cpu'), ...share },
  { key: 'memory', title: 'Memory, fullest host', read: (scope) => busiest(scope, 'memory'), ...share },
  { key: 'disk', title: 'Disk, fullest host', read: (scope) => busiest(scope, 'disk'), ...share },
]

/** What the rows of the window say. */
export const windowFigures: readonly JobFigure[] = [
  {
    key: 'success',
    title: 'Success',
    read: ({ figures }) => inPercent(figures.successRate),
    ...share,
    bad: 'below',
  },
  { key: 'failures', title: 'Failures', read: ({ figures }) => figures.failed, ...jobs },
  {
    key: 'rate',
    title: 'Rate',
    read: ({ figures }) => figures.perSecond * 60,
    show: (value) => (value === null ? '–' : rate(value / 60)),
    bad: 'below',
    unit: 'jobs/min',
  },
  { key: 'launch', title: 'Launch p95', read: ({ figures }) => inSeconds(figures.launch.p95Ms), ...time },
  {
    key: 'average',
    title: 'Average duration',
    read: ({ figures }) => inSeconds(figures.duration.averageMs),
    ...time,
  },
  { key: 'p95', title: 'Duration p95', read: ({ figures }) => inSeconds(figures.duration.p95Ms), ...time },
  { key: 'peak', title: 'Peak at once', read: ({ figures }) => figures.peak?.jobs ?? null, ...jobs },
]

export const allFigures = [...presentFigures, ...hostFigures, ...windowFigures]

/** `20 jobs`, `90 %`, `2.5 s`. */
export const limitText = (limit: number, unit: string): string =>
  unit === 'jobs' ? plural(limit, 'job') : `${Number(limit.toPrecision(6))} ${unit}`
