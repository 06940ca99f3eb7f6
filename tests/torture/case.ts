import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { TrackOptions } from '@throughline/core'

// biome-ignore lint/suspicious/noExplicitAny: cases wrap functions of every kind
export type AnyFunction = (this: any, ...args: any[]) => any

/** What a library recorded of one call. */
export interface Recorded {
  readonly durationMs: number
  readonly outcome: 'success' | 'failure' | 'abandoned'
  readonly errorType?: string | undefined
  readonly errorMessage?: string | undefined
  readonly errorStack?: string | undefined
  readonly userId?: string | undefined
  readonly metadata?: Record<string, unknown> | undefined
  readonly spanId?: string | undefined
  readonly parentSpanId?: string | undefined
}

/** A library that wraps functions. */
export interface Subject {
  readonly name: string
  wrap<F extends AnyFunction>(name: string, fn: F, options?: TrackOptions): F
  /** What it has recorded under this name up to now. */
  recorded(name: string): Promise<Recorded[]>
  /** How often it said that an extractor of its user's failed, if it says so. */
  extractionFailures?(): number
}

/** One row of the table. */
export interface Case {
  readonly what: string
  /** What the caller has in hands. */
  readonly back: string
  /** What a span, a metric and a row shall say of it: one entry an operation, `success`, `failure TypeError`, `abandoned`. */
  readonly records: readonly string[]
  /** Uses options that the others do not have. */
  readonly own?: true
  run(bench: Bench): unknown
  /** What else the record shall say. */
  check?(recorded: Recorded[], bench: Bench): void
}

export interface Group {
  readonly title: string
  readonly cases: readonly Case[]
}

/** What came of a case. */
export interface Result {
  /** What the caller could see of the wrapping. */
  readonly faults: string[]
  /** What was recorded, as `records` of the case has it. */
  readonly records: string[]
  /** How long the work took, from its own timers; the durations recorded, in all. */
  readonly workedMs: number
  readonly recordedMs: number
  /** Whether the recorded time holds all the work, and no more than there was. */
  readonly timed: boolean
}

export class Bench {
  readonly faults: string[] = []
  readonly #subject: Subject
  readonly #name: string
  #worked = 0

  constructor(subject: Subject, name: string) {
    this.#subject = subject
    this.#name = name
  }

  get workedMs(): number {
    return this.#worked
  }

  wrap<F extends AnyFunction>(fn: F, options?: TrackOptions): F {
    return this.#subject.wrap(this.#name, fn, options)
  }

  recorded(): Promise<Recorded[]> {
    return this.#subject.recorded(this.#name)
  }

  extractionFailures(): number {
    return this.#subject.extractionFailures?.() ?? 0
  }

  /** Work that belongs to the operation. */
  async work(ms: number): Promise<void> {
    const began = performance.now()
    await pause(ms)
    this.#worked += performance.now() - began
  }

  /** Work that is done elsewhere, and takes this long at least. */
  async took<T>(ms: number, work: PromiseLike<T>): Promise<T> {
    const value = await work
    this.#worked += ms
    return value
  }

  /** The same in the manner of callbacks. */
  workThen(ms: number, done: () => void): void {
    const began = performance.now()
    setTimeout(() => {
      this.#worked += performance.now() - began
      done()
    }, ms)
  }

  same(what: string, actual: unknown, expected: unknown): void {
    if (Object.is(actual, expected)) return
    const [is, not] = [show(actual), show(expected)]
    this.faults.push(
      is === not ? `${what} is another ${is.replace(/^an? /, '')}` : `${what} is ${is}, not ${not}`,
    )
  }

  is(what: string, truth: boolean): void {
    if (!truth) this.faults.push(`not so: ${what}`)
  }

  /** Expects exactly this to be thrown or rejected. */
  async fails(what: string, reason: unknown, act: () => unknown): Promise<void> {
    try {
      await act()
    } catch (error) {
      this.same(`${what}: what was thrown`, error, reason)
      return
    }
    this.faults.push(`${what}: nothing was thrown`)
  }

  /** Collects garbage until something has been recorded, or nothing seems to come any more. */
  async collected(): Promise<void> {
    for (let turn = 0; turn < 50 && (await this.recorded()).length === 0; turn += 1) {
      collectGarbage()
      await pause(5)
    }
  }
}

/** All that comes of an iterable. */
export async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of values) all.push(value)
  return all
}

export async function runCase(one: Case, subject: Subject, name: string): Promise<Result> {
  const bench = new Bench(subject, name)
  const began = performance.now()
  try {
    await one.run(bench)
  } catch (error) {
    bench.faults.push(`the call failed: ${show(error)}`)
  }
  const wall = performance.now() - began
  const recorded = await bench.recorded()
  const recordedMs = recorded.reduce((sum, { durationMs }) => sum + durationMs, 0)
  // A timer may be early by one millisecond; operations that overlap are longer in all than the clock on the wall.
  const longest = Math.max(0, ...recorded.map(({ durationMs }) => durationMs))
  if (one.check !== undefined && bench.faults.length === 0) {
    try {
      one.check(recorded, bench)
    } catch (error) {
      bench.faults.push(`the record: ${error instanceof Error ? error.message : show(error)}`)
    }
  }
  return {
    faults: bench.faults,
    records: recorded.map(({ outcome, errorType }) => (errorType ? `${outcome} ${errorType}` : outcome)),
    workedMs: bench.workedMs,
    recordedMs,
    timed: recordedMs >= bench.workedMs - 1 && longest <= wall + 1,
  }
}

let gc: (() => void) | undefined

function collectGarbage(): void {
  if (gc === undefined) {
    setFlagsFromString('--expose-gc')
    gc = runInNewContext('gc') as () => void
  }
  gc()
}

function show(value: unknown): string {
  try {
    if (typeof value === 'function') return `a function ${value.name}`
    if (value instanceof Error) return `${value.name}: ${value.message}`
    if (typeof value === 'object' && value !== null) return `a ${value.constructor?.name ?? 'bare object'}`
    return value === '' ? 'empty' : String(value)
  } catch {
    return 'a thing that cannot be shown'
  }
}
