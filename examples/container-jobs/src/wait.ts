import { ContainerError, containerFailure, dockerFailure } from '@throughline/instrumentation-docker'
import type Docker from 'dockerode'
import { type Engine, isUnreachable } from './engine.js'
import type { RunningJob } from './running.js'

const KILLED_WITHIN_MS = 10_000
/** Exit codes from here on tell of a signal. */
const SIGNALLED = 128

/**
 * Waits for the end of a container. Resolves when it has ended well; rejects with the class of its failure, with `JobTimeout` after
 * `timeoutS`, with the reason of its `stop` when that comes first: in both cases it is killed. An engine that goes away meanwhile is waited for:
 * the container may have gone on without it.
 */
export async function untilEnd(
  engine: Engine,
  container: Docker.Container,
  timeoutS: number,
  job: RunningJob,
): Promise<void> {
  const since = Date.now()
  const { signal: stop } = job.stop
  const late = AbortSignal.timeout(timeoutS * 1_000)
  const ended = AbortSignal.any([stop, late])
  for (;;) {
    let state: Docker.ContainerInspectInfo
    try {
      await endOf(container, job, ended)
      ended.throwIfAborted()
      state = await container.inspect(engine.limited())
    } catch (error) {
      if (ended.aborted) {
        await kill(container)
        throw stop.aborted ? stop.reason : new ContainerError('JobTimeout', `not done within ${timeoutS} s`)
      }
      const failure = dockerFailure(error, 'wait')
      if (!isUnreachable(failure)) throw failure
      await engine.back(failure, ended).catch((reason: unknown) => {
        if (!ended.aborted) throw reason
      })
      continue
    }
    if (!state.State.Running) return judge(state, wasAway(engine, since))
  }
}

/**
 * Resolves when the engine says that the container has ended, when somebody has us look, and when it is too late. The client of an engine that is
 * killed while it answers tells nobody: its promise stays open, whatever signal it was given.
 */
function endOf(container: Docker.Container, job: RunningJob, ended: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const asking = new AbortController()
    const over = () => {
      ended.removeEventListener('abort', over)
      asking.abort()
      resolve()
    }
    job.look = over
    ended.addEventListener('abort', over)
    if (ended.aborted) return over()
    container.wait({ abortSignal: asking.signal }).then(over, (error: unknown) => {
      ended.removeEventListener('abort', over)
      reject(error)
    })
  })
}

/** Whether the engine came back only after the container had started. */
function wasAway(engine: Engine, since: number): boolean {
  return engine.health().since.getTime() > since
}

function judge(state: Docker.ContainerInspectInfo, wasAway: boolean): void {
  // Somebody else removes it, and killed it for that.
  if (state.State.Status === 'removing' || state.State.Status === 'dead')
    throw new ContainerError('ContainerGone', 'the container was removed while it ran')
  const failure = containerFailure(state)
  if (failure === undefined) return
  // An engine that comes back ends what ran without it.
  if (wasAway && failure.name === 'ExitCode' && (failure.exitCode ?? 0) >= SIGNALLED)
    throw new ContainerError(
      'EngineUnreachable',
      `the engine was away, and ended the container: ${failure.message}`,
      {
        cause: failure,
        ...(failure.exitCode === undefined ? {} : { exitCode: failure.exitCode }),
      },
    )
  throw failure
}

/** Ends it and waits for its end, so that its log is whole. One that is not there, or not running, is ended. */
async function kill(container: Docker.Container): Promise<void> {
  const within = { abortSignal: AbortSignal.timeout(KILLED_WITHIN_MS) }
  try {
    await container.kill(within)
    await container.wait({ ...within, condition: 'not-running' })
  } catch {
    // It is removed by force in any case.
  }
}
