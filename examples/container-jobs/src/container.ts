import type { JobExecution } from '@throughline/instrumentation-jobs'
import type Docker from 'dockerode'
import type { Engine } from './engine.js'
import type { JobRequest } from './job-request.js'
import { logConfig } from './log.js'

/** So many processes and threads a job may have. */
const MAX_PROCESSES = 256

/**
 * Makes the container of a job. It gets the trace and the correlation ID, as environment and as labels, after everything that the job has asked
 * for, and nothing that it has not: no privileges, no capabilities, no network but the one that the runner was given.
 */
export async function createContainer(
  engine: Engine,
  request: JobRequest,
  execution: JobExecution,
  network: string,
  stop: AbortSignal,
): Promise<Docker.Container> {
  const { docker } = engine
  // By its name a second call finds what a first one made whose answer was lost.
  const name = `job-${execution.executionId}`
  const memory = request.limits.memoryMb * 1_048_576
  return engine.patiently('create', stop, () =>
    docker
      .createContainer({
        name,
        Image: request.image,
        Cmd: request.command,
        Env: environment({ ...request.env, ...execution.env() }),
        Labels: execution.labels(),
        HostConfig: {
          Memory: memory,
          // No swap on top: a job that needs more is ended, not slowed down.
          MemorySwap: memory,
          NanoCpus: Math.round(request.limits.cpus * 1e9),
          PidsLimit: MAX_PROCESSES,
          NetworkMode: network,
          CapDrop: ['ALL'],
          SecurityOpt: ['no-new-privileges'],
          LogConfig: logConfig,
        },
        ...engine.limited(),
      })
      .catch(async (error: { statusCode?: number }) => {
        if (error.statusCode !== 409) throw error
        const { Id } = await docker.getContainer(name).inspect(engine.limited())
        return docker.getContainer(Id)
      }),
  )
}

export async function startContainer(
  engine: Engine,
  container: Docker.Container,
  stop: AbortSignal,
): Promise<void> {
  await engine.patiently('start', stop, () =>
    container.start(engine.limited()).catch((error: { statusCode?: number }) => {
      // It runs already: the answer to an earlier call was lost.
      if (error.statusCode !== 304) throw error
    }),
  )
}

function environment(values: Record<string, string>): string[] {
  return Object.entries(values).map(([name, value]) => `${name}=${value}`)
}
