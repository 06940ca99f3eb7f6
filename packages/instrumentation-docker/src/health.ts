import { diag } from '@opentelemetry/api'
import type { Instruments } from './metrics.js'

/**
 * `unknown`: nothing was asked yet. `up`: the last answer was one. `unreachable`: no connection, or it broke. `slow`: no answer within
 * `timeoutMs`. `invalid`: what answers is no Docker engine, or talks garbage.
 */
export type EngineState = 'unknown' | 'up' | 'unreachable' | 'slow' | 'invalid'

export interface DockerHealth {
  engine: EngineState
  /** Since when it is in this state. */
  since: Date
  lastAnswerAt: Date | undefined
  /** Of the last call that got no valid answer. */
  lastError: string | undefined
  /** Of the application. */
  calls: { inFlight: number; done: number; failed: number }
  /** `vanished`: containers that ended unseen and were removed before they could be looked at. */
  events: { following: boolean; connects: number; resyncs: number; vanished: number }
  /** `skipped`: containers beyond `maxContainers` at the last look; `lateMs`: how long after its time the last call for figures began. */
  stats: { containers: number; skipped: number; calls: number; failures: number; lateMs: number }
}

/** What is known of the engine, told to the diagnostic log once a change, and the counts that the parts keep in it. */
export interface Health {
  readonly counts: Pick<DockerHealth, 'calls' | 'events' | 'stats'>
  /** There was an answer. Where it is known that what answers is no engine, that alone says nothing new. */
  answered(): void
  /** There was an answer that makes sense. */
  confirmed(): void
  failed(state: Exclude<EngineState, 'unknown' | 'up'>, error: unknown): void
  read(): DockerHealth
}

/** An engine that goes to and fro is not told of each time: the same news again after this time at the earliest. */
const QUIET_MS = 60_000

/** `follows`: we ask the engine ourselves, and so find out whether it makes sense. */
export function createHealth(instruments: Instruments, follows: boolean): Health {
  const told = new Map<string, number>()
  let engine: EngineState = 'unknown'
  let since = Date.now()
  let lastAnswer: number | undefined
  let lastError: string | undefined
  const counts: Health['counts'] = {
    calls: { inFlight: 0, done: 0, failed: 0 },
    events: { following: false, connects: 0, resyncs: 0, vanished: 0 },
    stats: { containers: 0, skipped: 0, calls: 0, failures: 0, lateMs: 0 },
  }

  const change = (next: EngineState): boolean => {
    if (next === engine) return false
    engine = next
    since = Date.now()
    instruments.engineChanges.add(1, { ...instruments.engine, 'docker.engine.state': next })
    return true
  }

  const isNews = (what: string): boolean => {
    const now = performance.now()
    if (now - (told.get(what) ?? Number.NEGATIVE_INFINITY) < QUIET_MS) return false
    told.set(what, now)
    return true
  }

  const confirmed = (): void => {
    lastAnswer = Date.now()
    const before = engine
    if (change('up') && before !== 'unknown' && isNews(`no longer ${before}`))
      diag.info(`Docker engine: answers again, was ${before}`)
  }

  return {
    counts,
    confirmed,
    answered() {
      if (follows && engine === 'invalid') lastAnswer = Date.now()
      else confirmed()
    },
    failed(state, error) {
      lastError = String((error as { message?: unknown } | null)?.message ?? error).slice(0, 200)
      if (change(state) && isNews(state)) diag.warn(`Docker engine: ${state}: ${lastError}`)
    },
    read: () => ({
      engine,
      since: new Date(since),
      lastAnswerAt: lastAnswer === undefined ? undefined : new Date(lastAnswer),
      lastError,
      calls: { ...counts.calls },
      events: { ...counts.events },
      stats: { ...counts.stats },
    }),
  }
}

/** What an error of the client says about the engine; undefined where it says nothing, as when the caller gave up. */
export function stateAfter(error: unknown): Exclude<EngineState, 'unknown' | 'up'> | undefined {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown }
  if (name === 'TimeoutError') return 'slow'
  if (name === 'AbortError' || typeof code !== 'string') return undefined
  return code.startsWith('HPE_') ? 'invalid' : 'unreachable'
}
