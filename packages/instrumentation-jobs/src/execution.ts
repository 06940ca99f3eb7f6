import {
  type Attributes,
  type Context,
  context,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
} from '@opentelemetry/api'
import { describeFailure, type Operation, operationOf } from '@throughline/core/runtime'
import { clean } from './clean.js'
import { guard } from './guard.js'
import { environmentOf, labelsOf } from './handover.js'
import { JOB_KEY } from './job-key.js'
import type { TypeLabels } from './labels.js'
import { Launch } from './launch.js'
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
  /** Somebody else had it: of this process it is neither a launch nor a duration, and none of its jobs. */
  readonly #neverRan: boolean
  readonly #queue: Queue
  readonly #job: TakenJob
  readonly #labels: TypeLabels
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

  constructor(queue: Queue, job: TakenJob, neverRan = false) {
    this.#neverRan = neverRan
    this.#queue = queue
    this.#job = job
    this.id = job.id
    this.executionId = job.executionId
    this.type = job.type
    this.#labels = queue.labelsOf(job.type)
    this.#phases = new Phases(this.#labels)
    // Clocks of two hosts differ: a job is never taken before it was enqueued.
    const waited = job.enqueuedAt === undefined ? undefined : Math.max(0, this.#takenAt - job.enqueuedAt)
    this.#launch = new Launch(queue.running, this.#labels.plain, waited, this.#takenSteady)
    if (!neverRan) queue.running.take(this.type)
  }

  get cancelled(): boolean {
    return this.#cancelled
  }

  /** Of the span that tells of its message. */
  spanAttributes(): Attributes {
    const { id, executionId } = this
    const { attempt } = this.#job
    const attributes: Attributes = { ...this.#labels.processed, 'job.execution.id': executionId }
    if (id !== '') Object.assign(attributes, { 'messaging.message.id': id, 'job.id': id })
    if (attempt !== undefined) attributes['job.attempt'] = attempt
    return attributes
  }

  /** Called inside the operation, before the job's code. */
  entered(span: Span | undefined): void {
    this.#span = span
    this.#inside = context.active()
    guard('start of a job', () => {
      this.#operation = operationOf(this.#inside)
      const { attempt, enqueuedAt } = this.#job
      // From the start, and the phases by reference: a process that ends before its job still leaves a row that says whose.
      this.#operation?.set({
        'job.id': this.id,
        ...this.#labels.plain,
        'job.execution.id': this.executionId,
        ...(attempt === undefined ? {} : { 'job.attempt': attempt }),
        'job.status': 'running',
        ...(enqueuedAt === undefined ? {} : { 'job.enqueued_at': new Date(enqueuedAt).toISOString() }),
        'job.phases': this.#phases.millis,
      })
      if (enqueuedAt !== undefined && !this.#neverRan)
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
      guard('start of a job', () => {
        const latency = this.#launch.over(steady(), this.#inside)
        if (latency !== undefined) this.#operation?.set(this.#latency(latency))
      })
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
    return labelsOf(this.#inside, { id: this.id, type: this.type, queue: this.#queue.settings.queue })
  }

  /** Its figures, its status on row and span. Once; before the operation ends. */
  end(how: End, failure?: { error: unknown }): void {
    if (this.#ended) return
    this.#ended = true
    const now = steady()
    const status = this.#cancelled ? 'cancelled' : how
    guard('end of a job', () => this.#finish(status, now, failure?.error))
    this.#launch.leave()
    if (!this.#neverRan) this.#queue.running.leave(this.type)
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

  #latency(millis: number | undefined): Record<string, number> {
    return millis === undefined ? {} : { 'job.launch.latency_ms': rounded(millis) }
  }

  #finish(status: End, now: number, error: unknown): void {
    const operation = this.#operation
    const launch = this.#neverRan ? undefined : this.#launch.end(this.#inside)
    operation?.set({ 'job.status': status, ...this.#latency(launch) })
    this.#span?.setAttribute('job.status', status)
    // Given up by whoever asked for it: no error, and no success.
    if (status === 'cancelled' && operation !== undefined && !operation.ended) operation.outcome = 'abandoned'
    const { processed, duration, containerDuration, failures } = instruments()
    const labels = this.#labels.ofStatus(status)
    processed.add(1, labels, this.#inside)
    if (!this.#neverRan) duration.record((now - this.#takenSteady) / 1_000, labels, this.#inside)
    const { runningSince } = this.#launch
    if (runningSince !== undefined)
      containerDuration.record((now - runningSince) / 1_000, labels, this.#inside)
    if (status !== 'failed') return
    const { type, message } = describeFailure(error)
    this.#span?.setAttribute('error.type', type).setStatus({ code: SpanStatusCode.ERROR, message })
    failures.add(1, { ...this.#labels.plain, 'error.type': this.#queue.errorTypeOf(type) }, this.#inside)
  }
}
