import { type Context, context, propagation, trace } from '@opentelemetry/api'
import { CORRELATION_KEY, correlationOf } from '../correlation/id.js'
import { processTrusts } from '../correlation/middleware.js'
import { acceptOrCreate, CORRELATION_HEADER } from '../correlation/propagator.js'
import { type PeerTest, peerTest, type Trust } from '../correlation/trust.js'
import { notice } from '../notice.js'
import { slot } from '../runtime.js'
import { plainHeaders, sourceAddress, withHeader } from './lambda-http.js'

export interface LambdaOptions<Event = unknown> {
  /** How long an invocation may wait for its telemetry to be acknowledged, in ms. Default 1,000; never beyond what Lambda has left. */
  flushTimeoutMs?: number
  /** Whose headers are taken over, by the source address that the gateway states. Default: as `correlation.middleware`. */
  trust?: Trust
  /** Where an event that is no HTTP request carries its correlation ID. Default: nowhere, then the invocation's request ID serves. */
  id?: (event: Event) => string | undefined
  /** Who the invocation is for: every span, record and log line below gets it. */
  user?: (event: Event) => string | undefined
}

/** What of Lambda's context is used; an absent part is done without. */
interface ContextLike {
  readonly awsRequestId?: string
  getRemainingTimeInMillis?(): number
}

/** What is left for Lambda's own end of an invocation, so that a flush never makes it time out. */
const RESERVED_MS = 100

/**
 * Wraps an AWS Lambda handler: each invocation has its correlation ID and, of an HTTP event, the caller's trace; an HTTP answer carries
 * the ID in `x-correlation-id`; and before the answer is given, because Lambda freezes the process right after, everything recorded is
 * sent, in bounded time. The handler may answer by a promise, a value or its callback. A flush that fails or comes too late is counted
 * and changes nothing: what was not acknowledged stays in the spool for the next invocation.
 *
 * @example
 * export const handler = lambdaHandler(track('Orders.place', async (event: APIGatewayProxyEventV2) => ({ statusCode: 201 })))
 */
export function lambdaHandler<Event, Invocation, Answer>(
  handler: (
    event: Event,
    invocation: Invocation,
    callback: (error?: Error | string | null, answer?: Answer) => void,
    // biome-ignore lint/suspicious/noConfusingVoidType: Lambda's own handler types say it so
  ) => Promise<Answer> | Answer | void,
  options: LambdaOptions<NoInfer<Event>> = {},
): (event: Event, invocation: Invocation) => Promise<Answer> {
  const { flushTimeoutMs = 1_000 } = options
  if (!Number.isFinite(flushTimeoutMs) || flushTimeoutMs < 0)
    throw new TypeError('lambdaHandler: flushTimeoutMs is a number of milliseconds, 0 or more')
  const own = options.trust === undefined ? undefined : peerTest(options.trust)

  return async (event, invocation) => {
    const about = (invocation ?? {}) as ContextLike
    const inside = enter(event, about, options as LambdaOptions, own)
    const id = correlationOf(inside)?.id ?? ''
    try {
      const answer = await context.with(inside, () => call(handler, event, invocation))
      return withHeader(answer, CORRELATION_HEADER, id)
    } finally {
      const left = (about.getRemainingTimeInMillis?.() ?? Number.POSITIVE_INFINITY) - RESERVED_MS
      await flush(Math.min(flushTimeoutMs, left))
    }
  }
}

/** The context of an invocation. An instrumentation of Lambda may have set its trace already; then it stays. */
function enter(
  event: unknown,
  about: ContextLike,
  options: LambdaOptions,
  own: PeerTest | undefined,
): Context {
  const active = context.active()
  const known = correlationOf(active)
  const headers = plainHeaders(event)
  const trusted = (own ?? processTrusts())({ headers, socket: { remoteAddress: sourceAddress(event) } })
  const inbound = headers[CORRELATION_HEADER]
  const id =
    known?.id ??
    (inbound === undefined
      ? acceptOrCreate(ask('id', options.id, event) ?? about.awsRequestId)
      : acceptOrCreate(inbound, trusted))
  const user = ask('user', options.user, event) ?? known?.user
  const outer =
    trusted && trace.getSpan(active) === undefined
      ? propagation.extract(active, { ...headers, [CORRELATION_HEADER]: id })
      : active
  return outer.setValue(CORRELATION_KEY, user === undefined ? { id } : { id, user })
}

function ask(
  name: string,
  extract: ((event: unknown) => string | undefined) | undefined,
  event: unknown,
): string | undefined {
  try {
    const value: unknown = extract?.(event)
    return typeof value === 'string' ? value : undefined
  } catch (problem) {
    notice('extraction_failed', `lambdaHandler: ${name}`, problem)
    return undefined
  }
}

/** A handler with three parameters that returns nothing answers by its callback. */
function call<Event, Invocation, Answer>(
  handler: Parameters<typeof lambdaHandler<Event, Invocation, Answer>>[0],
  event: Event,
  invocation: Invocation,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const result = handler(event, invocation, (error, answer) => {
      if (error === undefined || error === null) resolve(answer as Answer)
      else reject(error)
    })
    if (result !== undefined || handler.length < 3) resolve(result as Answer | Promise<Answer>)
  })
}

/** Bounded here as well, whatever the SDK does; without an SDK, or with one that has nothing to flush, no wait at all. */
async function flush(timeoutMs: number): Promise<void> {
  const runtime = slot.runtime
  if (runtime?.flush === undefined) return
  let timer: NodeJS.Timeout | undefined
  try {
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(resolve, Math.max(timeoutMs, 0), false)
    })
    const sent = timeoutMs > 0 && (await Promise.race([runtime.flush(timeoutMs), late]))
    if (!sent) notice('flush_incomplete', 'lambdaHandler')
  } catch (problem) {
    notice('flush_incomplete', 'lambdaHandler', problem)
  } finally {
    clearTimeout(timer)
  }
}
