import {
  type Attributes,
  type Context,
  type HrTime,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { describeFailure, unixNano } from '@throughline/core/runtime'
import { createInFlight } from './in-flight.js'
import { type Instruments, SCOPE, VERSION } from './metrics.js'
import { containerOf } from './route.js'

/** A call that has ended. Times are of the steady clock, in ms. */
export interface FinishedCall {
  operation: string
  path: string
  /** As the client was given them, for the labels of a container that is created. */
  options: unknown
  /** Where the call was made: the parent of its span. */
  outer: Context
  began: number
  ended: number
  /** Of the answer, if there was one. */
  status: number | undefined
  failed: boolean
  error: unknown
  answer: unknown
}

/**
 * Metrics and spans of calls. An SDK takes some 10 µs for those of one, and several times as long on a processor that was busy with something
 * else: a call that waits for an engine for 400 µs would feel it. So nothing is written on the way: it is kept until the event loop has
 * let the caller go on, or until metrics are read.
 */
export interface CallRecorder {
  /** A call of this operation has begun; to be called when it is over. */
  underWay(operation: string): () => void
  add(call: FinishedCall): void
  close(): void
}

/** Streams whose end is the end of the work; of the others the span ends at the head. */
const PROGRESS = new Set([
  'POST /images/create',
  'POST /images/{name}/push',
  'POST /images/load',
  'POST /build',
])
const CREATE = 'POST /containers/create'

/** Values of `error.type` besides statuses; later ones are `other`. */
const MAX_ERROR_TYPES = 50

export function createCallRecorder(
  instruments: Instruments,
  typeOfCreate: (options: unknown) => string,
): CallRecorder {
  const tracer = trace.getTracer(SCOPE, VERSION)
  const inFlight = createInFlight(instruments, flush)
  const errorTypes = new Set<string>()
  // One object for each set that occurs.
  const known = new Map<string, Attributes>()
  let finished: FinishedCall[] = []

  function flush(): void {
    const calls = finished
    finished = []
    for (const call of calls) {
      try {
        record(call)
      } catch {
        // A provider that throws must not fail anything.
      }
    }
  }

  function record(call: FinishedCall): void {
    const { operation, status, failed, error } = call
    const seconds = (call.ended - call.began) / 1_000
    const errorType = failed ? (status === undefined ? typeOf(error) : String(status)) : undefined
    instruments.apiDuration.record(
      seconds,
      attributes(operation, status, status === undefined ? errorType : undefined),
    )
    if (errorType !== undefined) instruments.apiErrors.add(1, attributes(operation, undefined, errorType))
    if (operation === CREATE)
      instruments.createDuration.record(seconds, {
        ...instruments.engine,
        'job.type': typeOfCreate(call.options),
        ...(errorType === undefined ? {} : { 'error.type': errorType }),
      })
    if (!isProgress(call)) span(call, call.ended, errorType)
  }

  function span(call: FinishedCall, endedAt: number, errorType: string | undefined): void {
    const container = containerOf(call.path)
    const made = tracer.startSpan(
      call.operation,
      {
        kind: SpanKind.CLIENT,
        startTime: hrTime(call.began),
        attributes: {
          ...attributes(call.operation, call.status, errorType),
          ...(container === undefined ? {} : { 'container.id': container }),
        },
      },
      call.outer,
    )
    if (errorType !== undefined) {
      const message = errorType === 'cut' ? 'cut before its end' : describeFailure(call.error).message
      made.setStatus({ code: SpanStatusCode.ERROR, message: message.slice(0, 500) })
    }
    made.end(hrTime(endedAt))
  }

  /** The span comes at the end of the stream. Listeners for these events start no flow of data and keep no error from being thrown. */
  function awaitEnd(call: FinishedCall, stream: StreamLike): void {
    let over = false
    const finish = (errorType: string | undefined) => {
      if (over) return
      over = true
      try {
        span(call, performance.now(), errorType)
      } catch {
        // As above.
      }
    }
    stream.once('end', () => finish(undefined))
    stream.once('close', () => finish('cut'))
  }

  function attributes(
    operation: string,
    status: number | undefined,
    errorType: string | undefined,
  ): Attributes {
    const key = `${operation} ${status ?? ''} ${errorType ?? ''}`
    let found = known.get(key)
    if (found === undefined) {
      found = {
        ...instruments.engine,
        'docker.operation': operation,
        ...(status === undefined ? {} : { 'http.response.status_code': status }),
        ...(errorType === undefined ? {} : { 'error.type': errorType }),
      }
      known.set(key, found)
    }
    return found
  }

  function typeOf(error: unknown): string {
    const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown }
    const isCode = typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,39}$/.test(code)
    const type = isCode && name !== 'AbortError' ? code : describeFailure(error).type
    if (!errorTypes.has(type) && errorTypes.size >= MAX_ERROR_TYPES) return 'other'
    errorTypes.add(type)
    return type
  }

  return {
    underWay: (operation) => inFlight.enter(operation),
    add(call) {
      if (isProgress(call)) awaitEnd(call, call.answer as StreamLike)
      if (finished.length === 0) setImmediate(flush)
      finished.push(call)
    },
    close() {
      flush()
      inFlight.close()
    },
  }
}

interface StreamLike {
  once(event: string, listener: () => void): unknown
}

function isProgress({ operation, failed, answer }: FinishedCall): boolean {
  return !failed && PROGRESS.has(operation) && typeof (answer as StreamLike | undefined)?.once === 'function'
}

function hrTime(steadyMs: number): HrTime {
  const nanos = unixNano(steadyMs)
  return [Number(nanos / 1_000_000_000n), Number(nanos % 1_000_000_000n)]
}
