import type { Span } from '@opentelemetry/api'
import { sumDecimals } from './business/decimal.js'
import { steadyMs, unixNano } from './clock.js'
import type { FailureInfo } from './failure.js'
import { notice } from './notice.js'
import type { SealedOperation } from './sealed-operation.js'
import { type Link, sharedSlot } from './slot.js'

export type { FailureInfo } from './failure.js'

/** How an operation ended. */
export type Outcome = 'success' | 'failure' | 'abandoned'

/** A business value measured inside an operation, as its record holds it. */
export interface BusinessValue {
  readonly name: string
  readonly labels: Record<string, string>
  /** Exact decimal: the sum of what was counted, a gauge's last value, the sum of a histogram's values. */
  value: string
  /** Absent for counters and money. */
  readonly kind?: 'gauge' | 'histogram'
  /** How many values a histogram's sum is of. */
  count?: number
}

/** The names of one kind of operation: the same object at every call, so an SDK may hang its bound series on it. */
export interface OperationNames {
  /** Undefined: the service is `service.name`. */
  readonly service: string | undefined
  readonly operation: string
  readonly spanName: string
  /** The SDK's own: series bound to these names. */
  bound?: unknown
}

/** 100 different values a record: a loop over ten thousand orders adds to the same few. */
const MAX_BUSINESS_VALUES = 100

/** One call of a tracked function, from its start to its end. */
export class Operation implements Link {
  readonly names: OperationNames
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  /** W3C trace flags at the start; bit 0 is `sampled`. */
  readonly traceFlags: number
  readonly traceState: string | undefined
  /** The recording span of the SDK, if the head sampler took it. */
  readonly span: Span | undefined
  readonly correlationId: string
  /** Whether it becomes a row; otherwise it is a metric and perhaps a span. */
  readonly recorded: boolean
  startSteadyMs: number
  #startUnixNano: bigint | undefined
  userId: string | undefined
  durationMs = 0
  outcome: Outcome = 'success'
  failure: FailureInfo | undefined
  metadata: Record<string, unknown> | undefined
  business: BusinessValue[] | undefined
  ended = false
  /** Whether its record was given away to a transaction: nothing can be added to it, and the copy that goes the usual way says so. */
  sealed = false
  /** How it ends when nobody brings its result to an end: collected, or open when the SDK stops. */
  whenLeft: Outcome = 'abandoned'
  /** Whether its result is watched for being collected. */
  watched = false
  /** Whether it is in the list of open operations. */
  listed = false
  older: Link | undefined
  newer: Link | undefined

  constructor(init: {
    names: OperationNames
    traceId: string
    spanId: string
    parentSpanId: string | undefined
    traceFlags: number
    traceState: string | undefined
    span: Span | undefined
    correlationId: string
    userId: string | undefined
    recorded: boolean
    startSteadyMs: number
  }) {
    this.names = init.names
    this.traceId = init.traceId
    this.spanId = init.spanId
    this.parentSpanId = init.parentSpanId
    this.traceFlags = init.traceFlags
    this.traceState = init.traceState
    this.span = init.span
    this.correlationId = init.correlationId
    this.userId = init.userId
    this.recorded = init.recorded
    this.startSteadyMs = init.startSteadyMs
  }

  /** Nanoseconds since 1970. Made when first asked for, which a call that is only counted never does, and the same from then on. */
  get startUnixNano(): bigint {
    this.#startUnixNano ??= unixNano(this.startSteadyMs)
    return this.#startUnixNano
  }

  /** What was lazy begins only now. */
  restart(steadyMs: number): void {
    // A sealed record has its identity, and the start is part of it.
    if (this.sealed) return
    this.startSteadyMs = steadyMs
    this.#startUnixNano = undefined
  }

  /** Adds metadata to the record; a later value of the same key wins. Refused and counted once the operation has ended or is sealed. */
  set(metadata: Record<string, unknown>): void {
    if (this.#refused('set')) return
    const kept: Record<string, unknown> = { ...this.metadata }
    try {
      this.metadata = Object.assign(kept, metadata)
    } catch (problem) {
      // A getter of the caller's object threw: what was read before it stays.
      this.metadata = kept
      notice('extraction_failed', `metadata set in ${this.names.spanName}`, problem)
    }
  }

  /** Adds a business value. Of equal name and labels a gauge keeps the last value; anything else is summed. */
  addBusiness(
    name: string,
    labels: Record<string, string>,
    value: string,
    kind?: 'gauge' | 'histogram',
  ): void {
    if (this.#refused('business value')) return
    this.business ??= []
    const same = this.business.find((entry) => entry.name === name && sameLabels(entry.labels, labels))
    if (same === undefined) {
      if (this.business.length >= MAX_BUSINESS_VALUES) notice('business_values_dropped', this.names.spanName)
      else if (kind === undefined) this.business.push({ name, labels, value })
      else this.business.push({ name, labels, value, kind, ...(kind === 'histogram' ? { count: 1 } : {}) })
    } else if (kind === 'gauge') same.value = value
    else {
      same.value = sumDecimals(same.value, value)
      if (same.count !== undefined) same.count += 1
    }
  }

  seal(): SealedOperation | undefined {
    const { runtime } = sharedSlot
    if (!this.recorded || runtime?.seal === undefined || this.#refused('recordIn')) return undefined
    this.sealed = true
    return runtime.seal(this, steadyMs() - this.startSteadyMs)
  }

  #refused(what: string): boolean {
    if (this.ended) notice('operation_sealed', `${what} after the end of ${this.names.spanName}`)
    else if (this.sealed) notice('operation_sealed', `${what} after recordIn in ${this.names.spanName}`)
    return this.ended || this.sealed
  }
}

function sameLabels(a: Record<string, string>, b: Record<string, string>): boolean {
  if (a === b) return true
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key])
}
