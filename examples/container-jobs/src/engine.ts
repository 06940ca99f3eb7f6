import { setTimeout as pause } from 'node:timers/promises'
import {
  ContainerError,
  dockerFailure,
  type InstrumentedDocker,
  instrumentDocker,
} from '@throughline/instrumentation-docker'
import Docker from 'dockerode'
import type { Settings } from './settings.js'

/** The engine that runs the containers: measured, with a limit on each call. */
export interface Engine
  extends Pick<InstrumentedDocker<Docker>, 'docker' | 'health' | 'lastUsage' | 'close'> {
  /** The option that gives up a call after its time. */
  limited(): { abortSignal: AbortSignal }
  /** The same for a call that takes no such option: it goes on, and nobody waits for it. */
  timed<T>(call: Promise<T>): Promise<T>
  /**
   * Answers `call`'s answer. If the engine cannot be reached, waits until it is back, for `engineGraceMs` at most, and calls once more; the call
   * has to be one that may be made twice. Rejects with the class of the failure.
   */
  patiently<T>(
    during: 'pull' | 'create' | 'start' | 'wait',
    stop: AbortSignal,
    call: () => Promise<T>,
  ): Promise<T>
  /** Resolves once the engine answers. Rejects with `unreachable` after `engineGraceMs`, with the reason of `stop` when that comes first. */
  back(unreachable: unknown, stop: AbortSignal): Promise<void>
}

const ASK_AGAIN_MS = 200

export function openEngine(settings: Settings): Engine {
  const instrumented = instrumentDocker(new Docker(), { stats: { intervalMs: settings.statsMs } })
  const { docker } = instrumented
  const limited = () => ({ abortSignal: AbortSignal.timeout(settings.engineTimeoutMs) })

  async function timed<T>(call: Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      late.reject(new DOMException('no answer in time', 'TimeoutError'))
    }, settings.engineTimeoutMs)
    return Promise.race([call, late.promise]).finally(() => clearTimeout(timer))
  }

  async function back(unreachable: unknown, stop: AbortSignal): Promise<void> {
    const end = performance.now() + settings.engineGraceMs
    while (performance.now() < end) {
      const answers = await timed(docker.ping()).then(
        () => true,
        () => false,
      )
      if (answers) return
      await pause(ASK_AGAIN_MS, undefined, { signal: stop }).catch(() => stop.throwIfAborted())
    }
    throw unreachable
  }

  async function patiently<T>(
    during: 'pull' | 'create' | 'start' | 'wait',
    stop: AbortSignal,
    call: () => Promise<T>,
  ): Promise<T> {
    try {
      return await call()
    } catch (error) {
      const failure = engineFailure(error, during)
      if (!isUnreachable(failure)) throw failure
      await back(failure, stop)
    }
    try {
      return await call()
    } catch (error) {
      throw engineFailure(error, during)
    }
  }

  return { ...instrumented, limited, timed, back, patiently }
}

export function isUnreachable(failure: unknown): boolean {
  return failure instanceof ContainerError && failure.name === 'EngineUnreachable'
}

/** Its class; an engine that takes longer than it may counts as out of reach. */
function engineFailure(error: unknown, during: 'pull' | 'create' | 'start' | 'wait'): unknown {
  if (error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError'))
    return new ContainerError('EngineUnreachable', 'the engine did not answer in time', { cause: error })
  return dockerFailure(error, during)
}
