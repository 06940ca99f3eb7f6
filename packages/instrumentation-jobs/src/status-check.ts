import { correlation, currentOperation, track } from '@throughline/core'
import { describeFailure, slot } from '@throughline/core/runtime'
import { asking } from './ask.js'
import { guard } from './guard.js'
import { metricsTaken } from './heard.js'
import { type HostUse, hostReader } from './host/host.js'
import { instruments } from './metrics.js'
import type { Present } from './present.js'
import type { Queue } from './queue.js'
import { type KnownState, readState, stateOf } from './state.js'
import { steady } from './time.js'

type CountJobs<T> = number | ((answer: T) => number) | undefined

/** Asks for the present of one queue, in turn or when told to; each time is one row. */
export class StatusChecks {
  readonly #queue: Queue
  readonly #present: Present
  readonly #operation: (body: () => Promise<unknown>) => Promise<unknown>
  readonly #ask: (() => Promise<unknown>) | undefined
  readonly #readHost: (() => Promise<HostUse>) | undefined
  #checking: Promise<void> | undefined

  constructor(queue: Queue, present: Present) {
    const { queue: name, state, timeoutMs, diskPath, periodic } = queue.settings
    this.#queue = queue
    this.#present = present
    this.#operation = track('status_check', (body: () => Promise<unknown>) => body(), { service: name })
    this.#ask = state === undefined ? undefined : asking(state, timeoutMs)
    this.#readHost = diskPath === undefined || !periodic ? undefined : hostReader(diskPath)
  }

  /** One check of its own, in nobody's trace; one that is asked for meanwhile is the same. Never rejects. */
  check(): Promise<void> {
    this.#checking ??= this.#checkAlone().finally(() => {
      this.#checking = undefined
    })
    return this.#checking
  }

  /** A check of the user's: its time, how many jobs it was about, and its state if it answers one. */
  async measure<T>(check: () => T | Promise<T>, jobs: CountJobs<T>): Promise<T> {
    return (await this.#record(
      async () => check(),
      (answer) => ({
        state: guard('state of a queue', () => stateOf(answer)),
        jobs: guard('number of jobs', () => numberOf(answer as T, jobs)),
      }),
    )) as T
  }

  async #checkAlone(): Promise<void> {
    // Nobody would see the answer.
    if (slot.runtime === undefined && !metricsTaken()) return
    const ask = this.#ask
    try {
      this.#present.host = (await this.#readHost?.()) ?? {}
      await correlation.extract({}, () =>
        ask === undefined
          ? this.#operation(async () => currentOperation()?.set(this.#present.metadata(undefined, undefined)))
          : this.#record(ask, (answer) => {
              const state = readState(answer)
              return { state, jobs: state.jobs }
            }),
      )
    } catch {
      // It is counted, and its row says why.
    }
  }

  /** Runs `check` as an operation whose row holds the present. */
  #record(
    check: () => Promise<unknown>,
    read: (answer: unknown) => { state: KnownState | undefined; jobs: number | undefined },
  ): Promise<unknown> {
    return this.#operation(async () => {
      const begin = steady()
      const labels = { 'job.queue': this.#queue.settings.queue }
      try {
        const answer = await check()
        const { state, jobs } = read(answer)
        guard('status check', () => {
          instruments().check.record((steady() - begin) / 1_000, labels)
          if (jobs !== undefined) instruments().checked.add(jobs, labels)
          if (state !== undefined) this.#present.state = state
          currentOperation()?.set(this.#present.metadata(state, jobs))
        })
        return answer
      } catch (error) {
        guard('status check', () => {
          const type = this.#queue.errorTypeOf(describeFailure(error).type)
          instruments().check.record((steady() - begin) / 1_000, { ...labels, 'error.type': type })
          instruments().checkFailures.add(1, { ...labels, 'error.type': type })
          this.#present.failed()
          currentOperation()?.set(this.#present.metadata(undefined, undefined))
        })
        throw error
      }
    })
  }
}

/** How many jobs an answer is about: as said, else as it looks. */
function numberOf<T>(answer: T, jobs: CountJobs<T>): number | undefined {
  const said = typeof jobs === 'function' ? jobs(answer) : jobs
  if (said !== undefined) return Number.isFinite(said) && said >= 0 ? said : undefined
  if (Array.isArray(answer)) return answer.length
  if (answer instanceof Map || answer instanceof Set) return answer.size
  return stateOf(answer)?.jobs
}
