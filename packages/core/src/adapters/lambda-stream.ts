import type { Writable } from 'node:stream'
import { context } from '@opentelemetry/api'
import { CORRELATION_HEADER } from '../correlation/propagator.js'
import { withMetadataHeader } from './lambda-http.js'
import { invocations, type LambdaOptions } from './lambda-invocation.js'

/** What Lambda's runtime puts on a handler that has been given to `awslambda.streamifyResponse`. */
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming')

/** The global of Lambda's runtime, as far as an answer's headers go through it. */
interface Streaming {
  HttpResponseStream?: { from?: (stream: Writable, metadata: Record<string, unknown>) => Writable }
}

/** The correlation ID that the head of an answer is to carry. */
const answers = new WeakMap<Writable, string>()
const taught = new WeakSet<object>()

/**
 * Wraps a handler that streams its answer, inside of `awslambda.streamifyResponse`, with the options of `lambdaHandler`. Metadata given to
 * `awslambda.HttpResponseStream.from` gets `x-correlation-id`; an answer without them has no headers to put it in. What was recorded is
 * sent after the answer: the client waits for nothing, Lambda for the flush, in bounded time.
 *
 * @example
 * export const handler = awslambda.streamifyResponse(lambdaStreamHandler(async (event, stream) => { stream.end('done') }))
 */
export function lambdaStreamHandler<Event, Stream extends Writable, Invocation>(
  handler: (event: Event, stream: Stream, invocation: Invocation) => unknown,
  options: LambdaOptions<NoInfer<Event>> = {},
): (event: Event, stream: Stream, invocation: Invocation) => Promise<void> {
  refuseStreamified('lambdaStreamHandler', handler)
  const around = invocations('lambdaStreamHandler', options as LambdaOptions)

  return async (event, stream, invocation) => {
    const { inside, id } = around.enter(event, invocation)
    teach()
    answers.set(stream, id)
    try {
      await context.with(inside, () => handler(event, stream, invocation))
      await ended(stream, around.left(invocation))
    } finally {
      await around.flush(invocation)
    }
  }
}

/** @throws TypeError: the mark of streaming would be lost with the handler that bears it. */
export function refuseStreamified(who: string, handler: unknown): void {
  if ((handler as { [STREAMING]?: unknown })[STREAMING] !== undefined)
    throw new TypeError(
      `${who}: the handler streams already; awslambda.streamifyResponse goes around: streamifyResponse(lambdaStreamHandler(handler))`,
    )
}

/** The head of an answer is written by a function of Lambda's runtime; of our answers it gets the ID, any other it writes as ever. */
function teach(): void {
  const target = (globalThis as { awslambda?: Streaming }).awslambda?.HttpResponseStream
  if (target?.from === undefined || taught.has(target)) return
  taught.add(target)
  const { from } = target
  target.from = function (this: unknown, stream, metadata) {
    const id = answers.get(stream)
    const head = id === undefined ? metadata : withMetadataHeader(metadata, CORRELATION_HEADER, id)
    return Reflect.apply(from, this, [stream, head])
  }
}

/** A handler may have left the rest to a pipe: what is recorded there belongs to the invocation, which lasts as long in any case. */
function ended(stream: Writable, withinMs: number): Promise<void> {
  if (stream.writableFinished || stream.destroyed || withinMs <= 0) return Promise.resolve()
  return new Promise((resolve) => {
    // Beyond the longest timer there is no bound to be had, and no invocation either.
    const timer = Number.isFinite(withinMs) ? setTimeout(done, withinMs) : undefined
    function done(): void {
      clearTimeout(timer)
      for (const name of ['finish', 'close']) stream.off(name, done)
      resolve()
    }
    for (const name of ['finish', 'close']) stream.on(name, done)
  })
}
