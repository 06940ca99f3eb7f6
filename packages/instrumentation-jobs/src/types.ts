/** What one queue is told about once, at start. */
export interface JobsOptions {
  /** Name of the queue: service of the rows, `job.queue` of every metric, destination of the spans. */
  queue: string
  /** Slots of this process: how many jobs it runs at once at most. Without it nothing is said of slots. */
  capacity?: number
  /** `messaging.system` of the spans, such as `pg-boss`. Default `throughline`. */
  system?: string
  /**
   * How a job's span stands to the one that enqueued it: `link` (default) begins a trace of its own that points back, `parent` goes on in
   * the producer's trace. The correlation ID goes on in both.
   */
  trace?: JobTrace
  /** The present, asked from the source of truth: once each `intervalMs`, never while an answer is awaited. */
  state?: () => JobState | Promise<JobState>
  /** Milliseconds between two status checks. Default 15,000. */
  intervalMs?: number
  /** Milliseconds after which a status check is given up and counted as failed. Default: `intervalMs`, at most 10,000. */
  timeoutMs?: number
  /** Whether the status check tells of CPU, memory and disk of this host. Default true; an object names the folder whose disk counts. */
  host?: boolean | HostOptions
  /** How many job types get a name of their own in metrics and rows; the rest is `other`. Default 50. */
  maxTypes?: number
}

export type JobTrace = 'parent' | 'link'

export interface HostOptions {
  /** A folder on the disk that jobs write to. Default: the working directory. */
  diskPath?: string
}

/** What is known of a job when it is enqueued. */
export interface EnqueuedJob {
  /** Where the queue gives it only later: none. */
  id?: string | number | undefined
  /** Few values: `transcode`, `thumbnail`. No ids. */
  type: string
  /** When it was enqueued, if not now. */
  enqueuedAt?: Date | string | number | undefined
}

/** What is known of a job when a worker takes it. */
export interface Job {
  id: string | number
  /** Few values: `transcode`, `thumbnail`. No ids. */
  type: string
  /** This try of the job. Default: a new UUID. */
  executionId?: string | undefined
  /** 1 for the first try. */
  attempt?: number | undefined
  /** What `enqueued` returned, as it came back from the queue; whatever is no carrier is ignored. */
  carrier?: JobCarrier | null | undefined
  /** When it was enqueued, if the carrier does not say it or the queue knows better (a retry, a delay that ended). */
  enqueuedAt?: Date | string | number | undefined
}

/** Travels with the job through the queue. Plain JSON. */
export interface JobCarrier {
  traceparent?: string
  tracestate?: string
  'x-correlation-id'?: string
  /** ISO 8601, UTC. */
  enqueued_at?: string
}

/** The parts of a job's life, in their order. */
export type JobPhase = 'queued' | 'pulling' | 'creating' | 'starting' | 'running' | 'collecting' | 'removing'

export type JobStatus = 'pending' | 'running' | 'completed' | 'failed' | 'cancelled'

/** One job while a worker has it. Nothing here throws but what the given functions throw. */
export interface JobExecution {
  readonly id: string
  readonly executionId: string
  readonly type: string
  /** Runs `fn` as this phase: a child span, its duration, a figure of the row. Answers and throws what `fn` does. */
  phase<T>(phase: Exclude<JobPhase, 'queued'>, fn: () => T): T
  /** The job runs from now on: ends the launch latency. Happens by itself when the first `running` phase begins. */
  started(): void
  /** Metadata of the row, such as `container.id`; later values replace earlier ones. */
  set(metadata: Record<string, unknown>): void
  /** Runs `fn` in the context of the job: for `begin`, whose caller is not in it. */
  within<T>(fn: () => T): T
  /** The job counts as cancelled: at once after `begin`, in `run` as soon as its function has settled, however it does. */
  cancel(reason?: string): void
  /** Environment for the code inside the container, so that it continues the trace: `TRACEPARENT`, `TRACESTATE`, `CORRELATION_ID`, as far as known. */
  env(): Record<string, string>
  /** Labels for the container: cleaned, at most 256 characters each. */
  labels(): Record<string, string>
}

/** A job that something else runs and this process only watches. */
export interface BegunJob extends JobExecution {
  /** Ends it as completed; a `result` is taken, so that this can be handed on as a callback, and not looked at. The first end counts. */
  complete(result?: unknown): void
  /** Ends it as failed. The first end counts. */
  fail(error: unknown): void
}

/** The present of a queue, as its source of truth tells it. A figure that is not known is left out. */
export interface JobState {
  counts: Partial<Record<JobStatus, number>>
  /** Jobs that wait for a worker. */
  depth: number
  /** When the one that waits longest was enqueued. */
  oldestEnqueuedAt?: Date | string | number | undefined
  /** How many jobs were looked at for this answer. */
  jobs?: number | undefined
}

/** One queue's instrumentation. */
export interface Jobs {
  readonly queue: string
  /** Says that a job was enqueued, by a PRODUCER span, and returns what has to travel with it. */
  enqueued(job: EnqueuedJob): JobCarrier
  /** Runs `fn` as this job: one span tree, one row. Answers and rejects as `fn` does. */
  run<T>(job: Job, fn: (execution: JobExecution) => T | Promise<T>): Promise<T>
  /** The same for a system that polls: the job goes on until `complete`, `fail` or `cancel` is called. */
  begin(job: Job): BegunJob
  /** A job that failed without this process having run it, such as one whose worker was killed: its row and its failure, and no launch. */
  lost(job: Job, error: unknown): void
  /** One batch check of the status of jobs: how long it takes, and of how many. Answers and rejects as `check` does. */
  statusCheck<T>(check: () => T | Promise<T>, jobs?: number | ((answer: T) => number)): Promise<T>
  /** Asks `state` now, outside of its turn; resolves when the answer is written, never rejects. */
  check(): Promise<void>
  /** A job will be tried again: `job.retries`. */
  retried(type: string): void
  /** Jobs whose worker was lost, so that the queue gave them back: `job.stalls`. */
  stalled(type?: string, count?: number): void
  /** Stops the status checks. Jobs that run are still recorded. */
  close(): void
}
