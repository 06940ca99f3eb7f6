import type { Queryable } from '../rollups/window.js'
import {
  type Cell,
  type Extent,
  type Failed,
  figuresOf,
  type JobFigures,
  type Tally,
} from './jobs-figures.js'
import { hostOf, type JobHost, type QueueState, type StateRow, stateOf } from './jobs-hosts.js'
import { maxChecks, maxHosts, maxQueues, maxRows, maxSpans } from './jobs-limits.js'
import { type Peak, peaksOf, type Spans } from './jobs-peak.js'
import { readSpans } from './jobs-spans.js'
import { jobsStatement } from './jobs-sql.js'
import { type JobsQuery, jobsWindow } from './jobs-window.js'
import { parametersOf } from './operation-filter.js'

/** The status checks of a queue, of those that were read. */
export type QueueChecks = {
  queue: string
  count: number
  failed: number
  averageMs: number
  /** Of those that say how many jobs they looked at. */
  jobsPerSecond: number | null
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
  /** What the figures are of. */
  rows: { jobs: number; checks: number }
  /** Where the jobs begin that were read; undefined: all of the window were. */
  cutSince: Date | undefined
  /** Where those begin that the peaks are of, if that is later. */
  peakSince: Date | undefined
  /** Names and processes that are there and not listed. */
  left: { queues: number; types: number; hosts: boolean }
}

export const jobLimits = {
  jobs: maxRows,
  peak: maxSpans,
  checks: maxChecks,
  queues: maxQueues,
  hosts: maxHosts,
}

type Checked = [
  queue: string,
  n: number,
  failed: number,
  averageUs: number,
  jobs: number | null,
  jobsUs: number | null,
]
type Step = [start: string, n: number, completed: number, failed: number, us: number, launchUs: number | null]
type Span = [queue: string, type: string, start: string, spans: string]

type Row = {
  checks: string
  cut: boolean
  since: Date
  types: string
  queues: string
  kept_queue: [q: number, queue: string][]
  kept_type: [t: number, q: number, type: string][]
  tally: Tally[]
  cell: Cell[]
  extent: Extent[]
  error: Failed[]
  span: Span[]
  step: Step[]
  checked: Checked[]
  hosts: Record<string, unknown>[]
  states: StateRow[]
}

/**
 * The jobs that began in a window, and what the last status checks in it said of the queues; from sums, and from rows
 * where there are none yet. A job has a row when it has ended. `db` must be in one snapshot.
 */
export const readJobs = async (db: Queryable, query: JobsQuery): Promise<JobsRecord> => {
  const window = jobsWindow(query)
  const parameters = parametersOf()
  const { rows } = await db.query<Row>(jobsStatement(window, parameters), parameters.values)
  const row = rows[0]!
  const kept = await readSpans(db, window, row.since)
  const ofRows = row.span
    .map(spansOf)
    .filter(({ start }) => kept.cutSince === undefined || start >= kept.cutSince)
  const peaks = await peaksOf(query.from, [...kept.within, ...ofRows], kept.earlier)
  const figures = (at: 0 | 1, nr: number | null, peak: Peak | undefined): JobFigures => {
    const own = <T extends Tally | Cell | Extent | Failed>(all: readonly T[]): readonly T[] =>
      nr === null ? all : all.filter((one) => one[at] === nr)
    return figuresOf(own(row.tally), own(row.cell), own(row.extent), own(row.error), peak)
  }
  const byNumber = (a: readonly [number, ...unknown[]], b: readonly [number, ...unknown[]]): number =>
    a[0] - b[0]
  const names = new Map(row.kept_queue)
  const total = figures(0, null, peaks.total)
  return {
    total,
    queues: row.kept_queue
      .sort(byNumber)
      .map(([q, queue]) => ({ queue, ...figures(0, q, peaks.ofQueue(queue)) })),
    types: row.kept_type.sort(byNumber).map(([t, q, type]) => {
      const queue = names.get(q) ?? ''
      return { queue, type, ...figures(1, t, peaks.ofType(queue, type)) }
    }),
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
    rows: { jobs: total.count, checks: Number(row.checks) },
    cutSince: row.cut ? row.since : undefined,
    peakSince: kept.cutSince,
    left: {
      queues: Number(row.queues) - row.kept_queue.length,
      types: Number(row.types) - row.kept_type.length,
      hosts: row.hosts.length > maxHosts,
    },
  }
}

const spansOf = ([queue, type, start, spans]: Span): Spans => ({
  queue,
  type,
  start: new Date(start),
  spans: Buffer.from(spans, 'base64'),
})
