import { type Context, context, ROOT_CONTEXT, type Span, SpanStatusCode } from '@opentelemetry/api'
import { describeFailure, type Operation, operationOf } from '@throughline/core/runtime'
import { clean } from './clean.js'
import { guard } from './guard.js'
import { environmentOf, labelsOf } from './handover.js'
import { JOB_KEY } from './job-key.js'
import { type JobLabels, Launch } from './launch.js'
import { instruments } from './metrics.js'
import { isPhase, LAUNCHING, type OpenPhase, Phases, whenSettled } from './phases.js'
import type { Queue } from './queue.js'
import { rounded, steady } from './time.js'
import type { BegunJob, JobPhase } from './types.js'

/** What is known of a job when it is taken, read once. */
export interface TakenJob {
  readonly id: string
  readonly type: string
  readonly executionId: string
  readonly attempt: number | undefined
  /** Milliseconds since 1970. */
  readonly enqueuedAt: number | undefined
}

type End = 'completed' | 'failed' | 'cancelled'

/** One job from being taken to its end: its figures, its spans, its row. No method throws but what a given function throws. */
export class Execution implements BegunJob {
  readonly id: string
  readonly executionId: string
  readonly type: string
  readonly #queue: Queue
  readonly #job: TakenJob
  readonly #labels: JobLabels
  readonly #phases: Phases
  readonly #launch: Launch
  readonly #takenAt = Date.now()
  readonly #takenSteady = steady()
  #inside: Context = ROOT_CONTEXT
  #span: Span | undefined
  #operation: Operation | undefined
  #ended = false
  #cancelled = false
  /** Ends the operation of a job that something else runs; without it the function that runs it does. */
  #settle: ((failure?: { error: unknown }) => void) | undefined

  constructor(queue: Queue, job: TakenJob) {
    this.#queue = queue
    this.#job = job
    this.id = job.id
    this.executionId = job.executionId
    this.type = job.type
    this.#labels = { 'job.queue': queue.settings.queue, 'job.type': job.type }
    this.#phases = new Phases(this.#labels)
    // Clocks of two hosts differ: a job is never taken before it was enqueued.
    const waited = job.enqueuedAt === undefined ? undefined : Math.max(0, this.#takenAt - job.enqueuedAt)
    this.#launch = new Launch(queue.running, this.#labels, waited, this.#takenSteady)
    queue.running.take(this.type)
  }

  get cancelled(): boolean {
    return this.#cancelled
  }

  /** Attributes of the job's own span. */
  attributes(): Record<string, string | number> {
    const { attempt } = this.#job
    const tried: Record<string, number> = attempt === undefined ? {} : { 'job.attempt': attempt }
    return { ...this.#labels, 'job.execution.id': this.executionId, ...tried }
  }

  /** Called inside the operation, before the job's code. */
  entered(span: Span | undefined): void {
    this.#span = span
    this.#inside = context.active()
    guard('start of a job', () => {
      this.#operation = operationOf(this.#inside)
      const { enqueuedAt } = this.#job
      // From the start, and the phases by reference: a process that ends before its job still leaves a row that says whose.
      this.#operation?.set({
        'job.id': this.id,
        ...this.attributes(),
        'job.status': 'running',
        ...(enqueuedAt === undefined ? {} : { 'job.enqueued_at': new Date(enqueuedAt).toISOString() }),
        'job.phases': this.#phases.millis,
      })
      if (enqueuedAt !== undefined)
        this.#phases.passed('queued', this.#inside, Math.min(enqueuedAt, this.#takenAt), this.#takenAt)
    })
  }

  /** The job ends by `complete`, `fail` and `cancel`. */
  endsBy(settle: (failure?: { error: unknown }) => void): void {
    this.#settle = settle
  }

  phase<T>(phase: Exclude<JobPhase, 'queued'>, fn: () => T): T {
    const open = guard('start of a phase', () => this.#open(phase))
    if (open === undefined) return fn()
    let result: T
    try {
      result = context.with(open.inside, fn)
    } catch (error) {
      open.end({ error })
      throw error
    }
    return whenSettled(result, open.end)
  }

  started(): void {
    if (!this.#ended)
      guard('start of a job', () => this.#tellLatency(this.#launch.over(steady(), this.#inside)))
  }

  set(metadata: Record<string, unknown>): void {
    guard('metadata of a job', () => this.#operation?.set(metadata))
  }

  within<T>(fn: () => T): T {
    return context.with(this.#inside, fn)
  }

  complete(): void {
    this.#endBy('completed')
  }

  fail(error: unknown): void {
    this.#endBy('failed', { error })
  }

  cancel(reason?: string): void {
    if (this.#ended) return
    this.#cancelled = true
    if (reason !== undefined) this.set({ 'job.cancel_reason': clean(reason) })
    this.#endBy('cancelled')
  }

  env(): Record<string, string> {
    return environmentOf(this.#inside)
  }

  labels(): Record<string, string> {
    return labelsOf(this.#inside, { id: this.id, type: this.type, queue: this.#labels['job.queue'] })
  }

  /** Its figures, its status on row and span. Once; before the operation ends. */
  end(how: End, failure?: { error: unknown }): void {
    if (this.#ended) return
    this.#ended = true
    const now = steady()
    const status = this.#cancelled ? 'cancelled' : how
    guard('end of a job', () => this.#finish(status, now, failure?.error))
    this.#launch.leave()
    this.#queue.running.leave(this.type)
    guard('end of a span', () => this.#span?.end())
  }

  #endBy(how: End, failure?: { error: unknown }): void {
    if (this.#settle === undefined || this.#ended) return
    this.end(how, failure)
    this.#settle(failure)
  }

  #open(phase: JobPhase): OpenPhase | undefined {
    if (!isPhase(phase)) return undefined
    if (phase === 'running') this.started()
    else if (LAUNCHING.has(phase) && !this.#ended) this.#launch.begin()
    const active = context.active()
    return this.#phases.open(phase, active.getValue(JOB_KEY) === this ? active : this.#inside)
  }

  #tellLatency(latency: number | undefined): void {
    if (latency !== undefined) this.#operation?.set({ 'job.launch.latency_ms': rounded(latency) })
  }

  #finish(status: End, now: number, error: unknown): void {
    const operation = this.#operation
    operation?.set({ 'job.status': status })
    this.#span?.setAttribute('job.status', status)
    // Given up by whoever asked for it: no error, and no success.
    if (status === 'cancelled' && operation !== undefined && !operation.ended) operation.outcome = 'abandoned'
    this.#tellLatency(this.#launch.end(this.#inside))
    const { processed, duration, containerDuration, failures } = instruments()
    const labels = { ...this.#labels, 'job.status': status }
    processed.add(1, labels, this.#inside)
    duration.record((now - this.#takenSteady) / 1_000, labels, this.#inside)
    const { runningSince } = this.#launch
    if (runningSince !== undefined)
      containerDuration.record((now - runningSince) / 1_000, labels, this.#inside)
    if (status !== 'failed') return
    const { type, message } = describeFailure(error)
    this.#span?.setAttribute('error.type', type).setStatus({ code: SpanStatusCode.ERROR, message })
    failures.add(1, { ...this.#labels, 'error.type': this.#queue.errorTypeOf(type) }, this.#inside)
  }
}
