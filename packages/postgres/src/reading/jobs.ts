import { type Histogram, percentilesUs } from '../rollups/histogram.js'
import type { Queryable } from '../rollups/window.js'
import {
  type JobsQuery,
  jobPhases,
  jobsStatement,
  maxChecks,
  maxHosts,
  maxQueues,
  maxRows,
  peakBits,
} from './jobs-sql.js'
import { parametersOf } from './operation-filter.js'

/** How long something took, in ms; percentiles are at most 1.09 % off, the rest is exact. */
export type Spread = {
  count: number
  averageMs: number
  p50Ms: number
  p95Ms: number
  p99Ms: number
  maxMs: number
}

export type JobFigures = {
  count: number
  completed: number
  failed: number
  cancelled: number
  /** Of `count`: runs that were not the first try of their job. */
  retried: number
  /** Undefined: nothing was measured. */
  duration: Spread | undefined
  launch: Spread | undefined
  /** In the order of a job's life; those that were measured. */
  phases: ({ phase: JobPhase } & Spread)[]
  /** The most frequent first; null: failures without a type. */
  failures: { type: string | null; count: number }[]
  otherFailures: number
  /** Undefined: none ran. */
  peak: { jobs: number; at: Date } | undefined
}

export type JobPhase = (typeof jobPhases)[number]

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

/** The status checks of a queue, of those that were read. */
export type QueueChecks = {
  queue: string
  count: number
  failed: number
  averageMs: number
  /** Of those that say how many jobs they looked at. */
  jobsPerSecond: number | null
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

export type JobsRecord = {
  total: JobFigures
  queues: (JobFigures & { queue: string })[]
  types: (JobFigures & { queue: string; type: string })[]
  /** Ascending; steps without a job are left out. */
  steps: {
    start: Date
    count: number
    completed: number
    failed: number
    averageMs: number
    launchMs: number | null
  }[]
  checks: QueueChecks[]
  states: QueueState[]
  hosts: JobHost[]
  /** Rows that were read. */
  rows: { jobs: number; checks: number }
  /** Where the jobs begin that were read; undefined: all of the window were. */
  cutSince: Date | undefined
  /** Names and processes that are there and not listed. */
  left: { queues: number; types: number; hosts: boolean }
}

export const jobLimits = { jobs: maxRows, checks: maxChecks, queues: maxQueues, hosts: maxHosts }

/** Numbers of a queue and a type; null: beyond what is listed. */
type Numbered = [q: number | null, t: number | null]
type Tally = [...Numbered, n: number, completed: number, failed: number, cancelled: number, retried: number]
/** `measure`: 0 duration, 1 launch, from 2 on the phases. */
type Cell = [
  ...Numbered,
  measure: number,
  bucket: number,
  n: number,
  sumUs: number,
  minUs: number,
  maxUs: number,
]
type Failed = [...Numbered, error: string | null, n: number]
type Peak = [level: 'type' | 'queue' | 'all', nr: number | null, top: string]
type Checked = [
  queue: string,
  n: number,
  failed: number,
  averageUs: number,
  jobs: number | null,
  jobsUs: number | null,
]
type Step = [start: string, n: number, completed: number, failed: number, us: number, launchUs: number | null]

type Row = {
  rows: string
  checks: string
  cut: boolean
  since: Date
  types: string
  queues: string
  kept_queue: [q: number, queue: string][]
  kept_type: [t: number, q: number, type: string][]
  tally: Tally[]
  cell: Cell[]
  error: Failed[]
  peak: Peak[]
  step: Step[]
  checked: Checked[]
  hosts: Record<string, unknown>[]
  states: { queue: string; at: string; state: Record<string, unknown> }[]
}

/**
 * The jobs that began in a window, as their rows tell, and what the last status checks in it said of the queues. A job
 * has a row when it has ended.
 */
export const readJobs = async (db: Queryable, query: JobsQuery): Promise<JobsRecord> => {
  const parameters = parametersOf()
  const { rows } = await db.query<Row>(jobsStatement(query, parameters), parameters.values)
  const row = rows[0]!
  const figures = (level: Peak[0], nr: number | null): JobFigures => {
    const at = level === 'type' ? 1 : 0
    const own = <T extends Tally | Cell | Failed>(all: readonly T[]): readonly T[] =>
      nr === null ? all : all.filter((one) => one[at] === nr)
    const peak = row.peak.find((one) => one[0] === level && one[1] === nr)
    return figuresOf(own(row.tally), own(row.cell), own(row.error), peak, query.from)
  }
  const byNumber = (a: readonly [number, ...unknown[]], b: readonly [number, ...unknown[]]): number =>
    a[0] - b[0]
  const names = new Map(row.kept_queue)
  return {
    total: figures('all', null),
    queues: row.kept_queue.sort(byNumber).map(([q, queue]) => ({ queue, ...figures('queue', q) })),
    types: row.kept_type
      .sort(byNumber)
      .map(([t, q, type]) => ({ queue: names.get(q) ?? '', type, ...figures('type', t) })),
    steps: row.step.map(([start, count, completed, failed, us, launchUs]) => ({
      start: new Date(start),
      count,
      completed,
      failed,
      averageMs: us / 1000,
      launchMs: launchUs === null ? null : launchUs / 1000,
    })),
    checks: row.checked.map(([queue, count, failed, averageUs, jobs, jobsUs]) => ({
      queue,
      count,
      failed,
      averageMs: averageUs / 1000,
      jobsPerSecond: jobs === null || jobsUs === null || jobsUs === 0 ? null : jobs / (jobsUs / 1_000_000),
    })),
    states: row.states.map(stateOf),
    hosts: row.hosts.slice(0, maxHosts).map(hostOf),
    rows: { jobs: Math.min(Number(row.rows), maxRows), checks: Number(row.checks) },
    cutSince: row.cut ? row.since : undefined,
    left: {
      queues: Number(row.queues) - row.kept_queue.length,
      types: Number(row.types) - row.kept_type.length,
      hosts: row.hosts.length > maxHosts,
    },
  }
}

const maxErrorTypes = 20

const figuresOf = (
  tallies: readonly Tally[],
  cells: readonly Cell[],
  failures: readonly Failed[],
  peak: Peak | undefined,
  from: Date,
): JobFigures => {
  const sum = (at: 2 | 3 | 4 | 5 | 6): number => tallies.reduce((total, tally) => total + tally[at], 0)
  const failed = sum(4)
  const errors = new Map<string, number>()
  for (const [, , error, n] of failures) if (error !== null) errors.set(error, (errors.get(error) ?? 0) + n)
  const listed = [...errors].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, maxErrorTypes)
  const measured = (measure: number): Spread | undefined =>
    spreadOf(cells.filter((cell) => cell[2] === measure))
  return {
    count: sum(2),
    completed: sum(3),
    failed,
    cancelled: sum(5),
    retried: sum(6),
    duration: measured(0),
    launch: measured(1),
    phases: jobPhases.flatMap((phase, at) => {
      const spread = measured(2 + at)
      return spread === undefined ? [] : [{ phase, ...spread }]
    }),
    failures: listed.map(([type, count]) => ({ type: type === '' ? null : type, count })),
    otherFailures: failed - listed.reduce((total, [, count]) => total + count, 0),
    peak: peak === undefined ? undefined : peakOf(BigInt(peak[2]), from),
  }
}

const peakOf = (top: bigint, from: Date): { jobs: number; at: Date } => {
  const lastMoment = 2n ** peakBits - 1n
  const sinceUs = lastMoment - (top & lastMoment)
  return { jobs: Number(top >> peakBits), at: new Date(from.getTime() + Number(sinceUs / 1000n)) }
}

const spreadOf = (cells: readonly Cell[]): Spread | undefined => {
  if (cells.length === 0) return undefined
  const buckets = new Map<number, number>()
  let [count, sumUs, minUs, maxUs] = [0, 0, Number.POSITIVE_INFINITY, 0]
  for (const [, , , bucket, n, sum, least, most] of cells) {
    buckets.set(bucket, (buckets.get(bucket) ?? 0) + n)
    count += n
    sumUs += sum
    minUs = Math.min(minUs, least)
    maxUs = Math.max(maxUs, most)
  }
  const ascending = [...buckets].sort(([a], [b]) => a - b)
  const histogram: Histogram = {
    buckets: ascending.map(([bucket]) => bucket),
    counts: ascending.map(([, n]) => n),
    minUs,
    maxUs,
  }
  const [p50 = 0, p95 = 0, p99 = 0] = percentilesUs(histogram, [0.5, 0.95, 0.99])
  return {
    count,
    averageMs: sumUs / count / 1000,
    p50Ms: p50 / 1000,
    p95Ms: p95 / 1000,
    p99Ms: p99 / 1000,
    maxMs: maxUs / 1000,
  }
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

const stateOf = ({ queue, at, state }: Row['states'][number]): QueueState => ({
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

const hostOf = (row: Record<string, unknown>): JobHost => {
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
