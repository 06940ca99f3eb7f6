import type { JobExecution } from '@throughline/instrumentation-jobs'
import type Docker from 'dockerode'
import { createContainer, startContainer } from './container.js'
import type { Engine } from './engine.js'
import { ensureImage } from './image.js'
import type { JobRequest } from './job-request.js'
import { readLog } from './log.js'
import type { RunningJob } from './running.js'
import type { Settings } from './settings.js'
import { untilEnd } from './wait.js'

/** What is left of a job. */
export interface Outcome {
  containerId: string | undefined
  startedAt: Date | undefined
  exitCode: number | undefined
  /** The end of what it wrote. */
  log: string
  /** Why it did not end well: the class of the failure in `name`. */
  error: Error | undefined
}

/**
 * Runs one job from its image to its removed container. Never rejects: how it failed is in the outcome. The job's `stop` ends it at any point, with
 * its reason as the failure.
 */
export async function runJob(
  engine: Engine,
  settings: Settings,
  request: JobRequest,
  execution: JobExecution,
  job: RunningJob,
): Promise<Outcome> {
  const outcome: Outcome = {
    containerId: undefined,
    startedAt: undefined,
    exitCode: undefined,
    log: '',
    error: undefined,
  }
  const stop = job.stop.signal
  const made: { container?: Docker.Container } = {}
  execution.set({ 'container.image.name': request.image })
  try {
    await execution.phase('pulling', () => ensureImage(engine, request.image, settings.pull, stop))
    stop.throwIfAborted()
    const container = await execution.phase('creating', () =>
      createContainer(engine, request, execution, settings.network, stop),
    )
    made.container = container
    outcome.containerId = container.id
    execution.set({ 'container.id': container.id })
    job.containerId = container.id
    stop.throwIfAborted()
    await execution.phase('starting', () => startContainer(engine, container, stop))
    outcome.startedAt = new Date()
    await execution.phase('running', () => untilEnd(engine, container, request.limits.timeoutS, job))
    outcome.exitCode = 0
  } catch (error) {
    outcome.error = error instanceof Error ? error : new Error(String(error))
    outcome.exitCode = (error as { exitCode?: number }).exitCode
  }
  if (made.container !== undefined) await leave(engine, settings, made.container, execution, outcome)
  return outcome
}

/** Keeps the log and removes the container, as far as both can be had: the status checker removes what is left. */
async function leave(
  engine: Engine,
  settings: Settings,
  container: Docker.Container,
  execution: JobExecution,
  outcome: Outcome,
): Promise<void> {
  const usage = outcome.containerId === undefined ? undefined : engine.lastUsage(outcome.containerId)
  execution.set({
    ...(outcome.exitCode === undefined ? {} : { 'container.exit_code': outcome.exitCode }),
    ...(usage === undefined
      ? {}
      : { 'container.cpu.seconds': usage.cpuSeconds, 'container.memory.peak': usage.memoryPeakBytes }),
  })
  if (outcome.startedAt !== undefined)
    outcome.log = await execution
      .phase('collecting', () => readLog(engine, container, settings.maxLogBytes))
      .catch(() => '')
  if (settings.keepContainers) return
  await execution
    .phase('removing', () => container.remove({ force: true, v: true, ...engine.limited() }))
    .catch(() => {})
}
