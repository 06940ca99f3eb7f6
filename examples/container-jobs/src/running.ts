import { ContainerError } from '@throughline/instrumentation-docker'
import { JobAborted, JobCancelled } from './errors.js'

/** A job that this process runs. */
export interface RunningJob {
  readonly stop: AbortController
  containerId: string | undefined
  /** Has whoever waits for the end of its container look whether it has come. */
  look: () => void
}

/** The jobs that this process runs now, so that they can be ended from outside. */
export class Running {
  readonly #jobs = new Map<string, RunningJob>()

  begin(id: string): RunningJob {
    const job = { stop: new AbortController(), containerId: undefined, look: () => {} }
    this.#jobs.set(id, job)
    return job
  }

  end(id: string): void {
    this.#jobs.delete(id)
  }

  /** IDs of containers by those of their jobs, as of now. */
  containers(): Map<string, string> {
    const found = new Map<string, string>()
    for (const [id, { containerId }] of this.#jobs) if (containerId !== undefined) found.set(id, containerId)
    return found
  }

  has(id: string): boolean {
    return this.#jobs.has(id)
  }

  cancel(id: string): void {
    this.#jobs.get(id)?.stop.abort(new JobCancelled())
  }

  /** Its container has ended, as the engine's list says. */
  look(id: string): void {
    this.#jobs.get(id)?.look()
  }

  /** Somebody else has removed its container. */
  lost(id: string): void {
    this.#jobs
      .get(id)
      ?.stop.abort(new ContainerError('ContainerGone', 'the container was removed while it ran'))
  }

  /** The process ends. */
  stopAll(): void {
    for (const { stop } of this.#jobs.values()) stop.abort(new JobAborted())
  }
}
