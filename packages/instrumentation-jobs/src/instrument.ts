import { enqueue } from './enqueue.js'
import { guard, warnOnce } from './guard.js'
import { instruments, observed } from './metrics.js'
import { settingsOf } from './options.js'
import { Present } from './present.js'
import { createQueue } from './queue.js'
import { begin, run } from './run.js'
import { StatusChecks } from './status-check.js'
import type { Jobs, JobsOptions } from './types.js'

/** How many instrumentations a queue has in this process. */
const open = new Map<string, number>()

/** The first look is soon, so that a process that has just begun is not unknown for an interval. */
const FIRST_CHECK_MS = 1_000

/**
 * Instruments one queue: what its jobs wait for, what they cost and where they fail, as metrics, spans and one row a job.
 * Without an SDK it only runs what it is given.
 *
 * @example
 * const jobs = instrumentJobs({ queue: 'transcode', capacity: 4 })
 * const carrier = jobs.enqueued({ id, type: 'thumbnail' })
 * await jobs.run({ id, type: 'thumbnail', carrier }, async (execution) => { ... })
 *
 * @throws JobsError TL_JOBS_OPTION for an option that is missing or out of its range
 */
export function instrumentJobs(options: JobsOptions): Jobs {
  const settings = settingsOf(options)
  const leave = enterQueue(settings.queue)
  const queue = createQueue(settings)
  const present = new Present(queue)
  const checks = new StatusChecks(queue, present)
  observed((report) => present.report(report))
  const stop = settings.periodic ? repeat(() => void checks.check(), settings.intervalMs) : undefined
  // Registers what is observed, for a process that has an SDK and no job yet.
  guard('instruments', instruments)
  const labels = { 'job.queue': settings.queue }
  return {
    queue: settings.queue,
    enqueued: (job) => enqueue(queue, job),
    run: (job, fn) => run(queue, job, fn),
    begin: (job) => begin(queue, job),
    lost: (job, error) => begin(queue, job, true).fail(error),
    statusCheck: (check, jobs) => checks.measure(check, jobs),
    check: () => checks.check(),
    retried(type) {
      guard('retried', () => instruments().retries.add(1, { ...labels, 'job.type': queue.typeOf(type) }))
    },
    stalled(type, count = 1) {
      guard('stalled', () => {
        const ofType = type === undefined ? {} : { 'job.type': queue.typeOf(type) }
        if (count > 0) instruments().stalls.add(count, { ...labels, ...ofType })
      })
    },
    close() {
      leave()
      stop?.()
      present.close()
    },
  }
}

/** Neither of its timers keeps the process alive. */
function repeat(act: () => void, intervalMs: number): () => void {
  const first = setTimeout(act, Math.min(FIRST_CHECK_MS, intervalMs)).unref()
  const every = setInterval(act, intervalMs).unref()
  return () => {
    clearTimeout(first)
    clearInterval(every)
  }
}

/** Two of one queue would be one series: what each observes replaces what the other did. Answers what takes it back. */
function enterQueue(queue: string): () => void {
  const others = open.get(queue) ?? 0
  open.set(queue, others + 1)
  if (others > 0)
    warnOnce(
      `second instrumentation of ${queue}`,
      `queue ${queue} is instrumented a second time in this process: their gauges share one series each. Use one for all, or close the first`,
    )
  let left = false
  return () => {
    if (left) return
    left = true
    const rest = (open.get(queue) ?? 1) - 1
    if (rest === 0) open.delete(queue)
    else open.set(queue, rest)
  }
}
