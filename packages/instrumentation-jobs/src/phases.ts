import { isPromise } from 'node:util/types'
import { type Context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { describeFailure } from '@throughline/core/runtime'
import { guard } from './guard.js'
import type { TypeLabels } from './labels.js'
import { instruments } from './metrics.js'
import { tracer } from './queue.js'
import { rounded, steady } from './time.js'
import type { JobPhase } from './types.js'

const PHASES: ReadonlySet<string> = new Set<JobPhase>([
  'queued',
  'pulling',
  'creating',
  'starting',
  'running',
  'collecting',
  'removing',
])

/** Those in which a job that was taken does not run yet. */
export const LAUNCHING: ReadonlySet<string> = new Set<JobPhase>(['pulling', 'creating', 'starting'])

export function isPhase(name: unknown): name is JobPhase {
  return typeof name === 'string' && PHASES.has(name)
}

/** A phase that goes on. */
export interface OpenPhase {
  readonly inside: Context
  /** The first call counts. */
  end(failure?: { error: unknown }): void
}

/** The figures of a job's phases, by the key that the row has; a phase that comes again adds up. */
export class Phases {
  readonly millis: Record<string, number> = {}
  readonly #labels: TypeLabels

  constructor(labels: TypeLabels) {
    this.#labels = labels
  }

  /** A phase that is over: nothing of it can be measured here but its length. One without any leaves no span. */
  passed(phase: JobPhase, outer: Context, from: number, to: number): void {
    this.#add(phase, to - from, outer)
    if (to > from) tracer().startSpan(phase, this.#options(phase, from), outer).end(to)
  }

  open(phase: JobPhase, outer: Context): OpenPhase {
    const begin = steady()
    const span = tracer().startSpan(phase, this.#options(phase), outer)
    let ended = false
    return {
      inside: trace.setSpan(outer, span),
      end: (failure) => {
        if (ended) return
        ended = true
        guard(`end of phase ${phase}`, () => {
          this.#add(phase, steady() - begin, outer)
          if (failure !== undefined) {
            const { type, message } = describeFailure(failure.error)
            span.setAttribute('error.type', type).setStatus({ code: SpanStatusCode.ERROR, message })
          }
          span.end()
        })
      },
    }
  }

  #add(phase: JobPhase, millis: number, context: Context): void {
    const key = `${phase}_ms`
    this.millis[key] = rounded((this.millis[key] ?? 0) + millis)
    instruments().phase.record(millis / 1_000, this.#labels.ofPhase(phase), context)
  }

  #options(phase: JobPhase, startTime?: number) {
    const attributes = this.#labels.ofPhase(phase)
    return { kind: SpanKind.INTERNAL, attributes, ...(startTime === undefined ? {} : { startTime }) }
  }
}

/**
 * Has `end` called when `result` is there. A promise is answered by the one that was derived of it, so that a rejection nobody handles is
 * reported as ever; anything else is there already.
 */
export function whenSettled<T>(result: T, end: (failure?: { error: unknown }) => void): T {
  if (!isPromise(result)) {
    end()
    return result
  }
  return Reflect.apply(Promise.prototype.then, result, [
    (value: unknown): unknown => {
      end()
      return value
    },
    (error: unknown): never => {
      end({ error })
      throw error
    },
  ]) as T
}
