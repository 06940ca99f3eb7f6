import type { Context } from '@opentelemetry/api'
import { createCallRecorder } from './call-recorder.js'
import type { DialOptions } from './client.js'
import { type Health, stateAfter } from './health.js'
import type { Instruments } from './metrics.js'
import { operationOf } from './route.js'

/** A call that is under way. */
export interface Call {
  /** To be given on: the caller's, whose `statusCodes` tell us what status there was. */
  readonly options: DialOptions
  readonly isStream: boolean
  end(error: unknown, answer?: unknown): void
}

/** Measures calls, each from `begin` to its `end`; what came out is written down later, when the caller has gone on. */
export interface CallMeter {
  /** Undefined for what cannot be measured. */
  begin(given: DialOptions, outer: Context): Call | undefined
  close(): void
}

export function callMeter(
  instruments: Instruments,
  health: Health,
  typeOfCreate: (options: unknown) => string,
): CallMeter {
  const { calls } = health.counts
  const recorder = createCallRecorder(instruments, typeOfCreate)

  function begin(given: DialOptions, outer: Context): Call | undefined {
    try {
      const operation = operationOf(given.method, given.path)
      const { path, options } = given
      const isStream = given.isStream === true || given.hijack === true
      let status: number | undefined
      let ended = false
      const over = recorder.underWay(operation)
      calls.inFlight += 1
      const began = performance.now()

      const end = (error: unknown, answer: unknown) => {
        const now = performance.now()
        over()
        calls.inFlight -= 1
        calls.done += 1
        if (error) status ??= statusOf(error)
        else if (given.hijack === true) status ??= 101
        // 304 is an error to dockerode (the container runs already), not to the engine.
        const failed = Boolean(error) && !(status !== undefined && status < 400)
        if (failed) calls.failed += 1
        const state = failed && status === undefined ? stateAfter(error) : undefined
        if (state !== undefined) health.failed(state, error)
        else if (status !== undefined) health.answered()
        recorder.add({ operation, path, options, outer, began, ended: now, status, failed, error, answer })
      }

      return {
        isStream,
        options: {
          ...given,
          statusCodes: watched(given.statusCodes, (seen) => {
            status = seen
          }),
        },
        end(error, answer) {
          if (ended) return
          ended = true
          try {
            end(error, answer)
          } catch {
            // A fault of ours must not fail the call.
          }
        },
      }
    } catch {
      // Options with a getter that throws: the call goes its way unmeasured.
      return undefined
    }
  }

  return { begin, close: () => recorder.close() }
}

/**
 * The client looks the status of an answer up here and tells nobody. It is the one place that sees it without a hand on the answer.
 */
function watched(
  statusCodes: Record<string, unknown> | undefined,
  seen: (status: number) => void,
): Record<string, unknown> {
  return new Proxy(statusCodes ?? {}, {
    get(target, key) {
      const status = typeof key === 'string' ? Number(key) : Number.NaN
      if (status >= 100 && status <= 599) seen(status)
      return Reflect.get(target, key)
    },
  })
}

function statusOf(error: unknown): number | undefined {
  const { statusCode } = error as { statusCode?: unknown }
  return typeof statusCode === 'number' && statusCode >= 100 && statusCode <= 599 ? statusCode : undefined
}
