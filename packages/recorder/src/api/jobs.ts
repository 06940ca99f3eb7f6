import {
  inSnapshot,
  type JobHost,
  type JobsRecord,
  jobLimits,
  type JobFigures as RowFigures,
  type QueueState as RowState,
  readJobs,
  type Spread,
} from '@throughline/postgres/reading'
import type { FastifyInstance } from 'fastify'
import { milliseconds } from './figures.js'
import type { ApiParts } from './parts.js'
import { addJsonRoute } from './route.js'
import { type JobFigures, type JobSpread, JobsAnswer, JobsQuery } from './schemas/jobs.js'
import { usualStepOf, windowOf } from './window.js'

const limits = { defaultHours: 24, maxHours: 744 }
/** Checks that are made every few seconds are not stale because one of them came late. */
const leastStaleMs = 60_000
const staleIntervals = 3

/** `GET /metrics/jobs`: why do jobs not start, what do they take, and where do they fail? */
export const addJobsRoute = (api: FastifyInstance, parts: ApiParts): void => {
  addJsonRoute(
    api,
    parts,
    {
      url: '/metrics/jobs',
      role: 'read',
      tag: 'metrics',
      summary:
        'Jobs by queue and type: outcomes, launch latency, phases, failures, concurrency, state of the queues',
      description:
        'From the rows that `@throughline/instrumentation-jobs` makes: one for each job that has ended, and one for each status check. What waits and runs now is what the last status check found; its age is in the answer.',
      query: JobsQuery,
      answer: JobsAnswer,
    },
    async ({ query }) => answerOf(query as JobsQuery),
  )

  const answerOf = async (query: JobsQuery): Promise<JobsAnswer> => {
    const now = Date.now()
    const window = windowOf(query, now, limits)
    const { queue, type, top = 50 } = query
    const end = Math.min(window.until.getTime(), now)
    const stepMs = usualStepOf(end - window.from.getTime())
    const record = await inSnapshot(parts.reads, (db) =>
      readJobs(db, { ...window, queue, type, types: top, stepMs }),
    )
    const since = record.cutSince ?? window.from
    const shown = (figures: RowFigures): JobFigures =>
      shownFigures(figures, Math.max(1, (end - since.getTime()) / 1000))
    const intervals = intervalsOf(record.hosts)
    const age = (checkedAt: Date, intervalMs: number | null) => ageOf(checkedAt, intervalMs, end)
    const stateOf = (name: string) => {
      const found = record.states.find((one) => one.queue === name)
      return found === undefined ? null : shownState(found, age(found.checkedAt, intervals.get(name) ?? null))
    }
    const others = record.checks
      .map((one) => one.queue)
      .filter((name) => !record.queues.some((one) => one.queue === name))
    const queues = [
      ...record.queues.map(({ queue: name, ...figures }) => ({
        queue: name,
        ...shown(figures),
        state: stateOf(name),
        checks: shownChecks(record, name),
      })),
      ...others.map((name) => ({
        queue: name,
        ...shown(noJobs),
        state: stateOf(name),
        checks: shownChecks(record, name),
      })),
    ]
    const cuts = cutsOf(record, top, queues.length)
    return {
      window: { from: window.from.toISOString(), until: window.until.toISOString(), stepMs },
      at: new Date(end).toISOString(),
      filter: { queue: queue ?? null, type: type ?? null },
      source: record.rows,
      total: shown(record.total),
      queues: queues.slice(0, jobLimits.queues),
      types: record.types.map(({ queue: of, type: name, ...figures }) => ({
        queue: of,
        type: name,
        ...shown(figures),
      })),
      steps: record.steps.map(({ start, averageMs, launchMs, ...counts }) => ({
        start: start.toISOString(),
        ...counts,
        averageMs: milliseconds(averageMs),
        launchMs: launchMs === null ? null : milliseconds(launchMs),
      })),
      hosts: record.hosts.map((host) => ({
        ...shownHost(host),
        ...age(host.checkedAt, host.intervalMs),
      })),
      truncated: cuts.length > 0,
      cuts,
    }
  }
}

const noJobs: RowFigures = {
  count: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
  retried: 0,
  duration: undefined,
  launch: undefined,
  phases: [],
  failures: [],
  otherFailures: 0,
  peak: undefined,
}

const shownFigures = (figures: RowFigures, seconds: number): JobFigures => {
  const { duration, launch, phases, peak, ...counts } = figures
  const ended = counts.completed + counts.failed
  return {
    ...counts,
    successRate: ended === 0 ? null : counts.completed / ended,
    perSecond: counts.count / seconds,
    duration: shownSpread(duration),
    launch: shownSpread(launch),
    phases: phases.map(({ phase, ...spread }) => ({ phase, ...shownSpread(spread) })),
    peak: peak === undefined ? null : { jobs: peak.jobs, at: peak.at.toISOString() },
  }
}

const shownSpread = (spread: Spread | undefined): JobSpread =>
  spread === undefined
    ? { count: 0, averageMs: null, p50Ms: null, p95Ms: null, p99Ms: null, maxMs: null }
    : {
        count: spread.count,
        averageMs: milliseconds(spread.averageMs),
        p50Ms: milliseconds(spread.p50Ms),
        p95Ms: milliseconds(spread.p95Ms),
        p99Ms: milliseconds(spread.p99Ms),
        maxMs: milliseconds(spread.maxMs),
      }

const shownChecks = ({ checks }: JobsRecord, queue: string): JobsAnswer['queues'][number]['checks'] => {
  const found = checks.find((one) => one.queue === queue)
  if (found === undefined) return { count: 0, failed: 0, averageMs: null, jobsPerSecond: null }
  const { count, failed, averageMs, jobsPerSecond } = found
  return { count, failed, averageMs: milliseconds(averageMs), jobsPerSecond }
}

/** How often a queue is checked: by the process that does it most often. */
const intervalsOf = (hosts: readonly JobHost[]): Map<string, number> => {
  const intervals = new Map<string, number>()
  for (const { queue, intervalMs } of hosts)
    if (intervalMs !== null) intervals.set(queue, Math.min(intervalMs, intervals.get(queue) ?? intervalMs))
  return intervals
}

const ageOf = (checkedAt: Date, intervalMs: number | null, end: number) => {
  const ageMs = Math.max(0, end - checkedAt.getTime())
  return {
    checkedAt: checkedAt.toISOString(),
    ageSeconds: ageMs / 1000,
    stale: ageMs > Math.max(leastStaleMs, staleIntervals * (intervalMs ?? 0)),
  }
}

const shownState = ({ queue: _, oldestAgeS, ...state }: RowState, age: ReturnType<typeof ageOf>) => ({
  ...state,
  oldestAgeSeconds: oldestAgeS,
  ...age,
})

const shownHost = ({ intervalMs: _, failure, ...host }: JobHost) => ({
  ...host,
  lastCheck: failure === undefined ? ('ok' as const) : ('failed' as const),
  failure: failure ?? null,
})

const cutsOf = ({ cutSince, peakSince, rows, left }: JobsRecord, top: number, queues: number): string[] => [
  ...(cutSince === undefined
    ? []
    : [
        `jobs: only those since ${cutSince.toISOString()}: at most ${jobLimits.jobs} that are not summed up yet are read; the peak may have been higher`,
      ]),
  ...(peakSince === undefined
    ? []
    : [
        `peak: only of the jobs since ${peakSince.toISOString()}, some ${jobLimits.peak}; it may have been higher`,
      ]),
  ...(rows.checks < jobLimits.checks ? [] : [`status checks: only the newest ${jobLimits.checks}`]),
  ...(left.queues > 0 || queues > jobLimits.queues
    ? [`queues: only the ${jobLimits.queues} with the most jobs are listed`]
    : []),
  ...(left.types > 0 ? [`types: only the ${top} most frequent are listed (top)`] : []),
  ...(left.hosts ? [`hosts: only the ${jobLimits.hosts} that checked last`] : []),
]
