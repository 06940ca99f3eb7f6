import type { Context } from '@opentelemetry/api'
import type { JobLabels } from './labels.js'
import { instruments } from './metrics.js'
import type { Running } from './running.js'

/** The part of a job's life before it runs, and when that was over. */
export class Launch {
  readonly #running: Running
  readonly #labels: JobLabels
  /** Milliseconds that it had waited when it was taken; undefined if nobody knows. */
  readonly #waited: number | undefined
  /** By the clock of `steady`. */
  readonly #takenAt: number
  #launching = false
  #runningSince: number | undefined

  constructor(running: Running, labels: JobLabels, waited: number | undefined, takenAt: number) {
    this.#running = running
    this.#labels = labels
    this.#waited = waited
    this.#takenAt = takenAt
  }

  /** When the job came to run; undefined as long as it has not. */
  get runningSince(): number | undefined {
    return this.#runningSince
  }

  /** Its container is being made: it does not run yet. */
  begin(): void {
    if (this.#launching || this.#runningSince !== undefined) return
    this.#launching = true
    this.#running.launching(this.#labels['job.type'], 1)
  }

  /** It runs since `at`. Answers the milliseconds from enqueued until then, if they are known. */
  over(at: number, context: Context): number | undefined {
    if (this.#runningSince !== undefined) return undefined
    this.#runningSince = at
    this.leave()
    const { launches, launchLatency } = instruments()
    launches.add(1, this.#labels, context)
    // Without it a latency would lack the wait, and be taken for the whole.
    if (this.#waited === undefined) return undefined
    const latency = this.#waited + at - this.#takenAt
    launchLatency.record(latency / 1_000, this.#labels, context)
    return latency
  }

  /** The job has ended. One without any phase ran from the beginning; one that was left while it was launched never did. */
  end(context: Context): number | undefined {
    return this.#launching ? undefined : this.over(this.#takenAt, context)
  }

  /** It is not being launched any more. */
  leave(): void {
    if (this.#launching) this.#running.launching(this.#labels['job.type'], -1)
    this.#launching = false
  }
}
