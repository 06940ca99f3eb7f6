import { type Context, context, propagation, trace } from '@opentelemetry/api'
import { CORRELATION_KEY, correlationOf } from '../correlation/id.js'
import { processTrusts } from '../correlation/middleware.js'
import { acceptOrCreate, CORRELATION_HEADER } from '../correlation/propagator.js'
import { type PeerTest, peerTest, type Trust } from '../correlation/trust.js'
import { notice } from '../notice.js'
import { slot } from '../runtime.js'
import { plainHeaders, sourceAddress } from './lambda-http.js'

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

/** What both kinds of handlers do around an invocation. */
export interface Invocations {
  /** The context of an invocation, and its correlation ID. */
  enter(event: unknown, invocation: unknown): { readonly inside: Context; readonly id: string }
  /** How long this invocation may still be held up, in ms. */
  left(invocation: unknown): number
  /** Sends what was recorded, in bounded time. Never rejects. */
  flush(invocation: unknown): Promise<void>
}

/** What is left for Lambda's own end of an invocation, so that a flush never makes it time out. */
const RESERVED_MS = 100

/** @throws TypeError naming the wrapper `who` on a wrong option. */
export function invocations(who: string, options: LambdaOptions): Invocations {
  const { flushTimeoutMs = 1_000 } = options
  if (!Number.isFinite(flushTimeoutMs) || flushTimeoutMs < 0)
    throw new TypeError(`${who}: flushTimeoutMs is a number of milliseconds, 0 or more`)
  const own = options.trust === undefined ? undefined : peerTest(options.trust)

  function left(invocation: unknown): number {
    return (aboutOf(invocation).getRemainingTimeInMillis?.() ?? Number.POSITIVE_INFINITY) - RESERVED_MS
  }

  return {
    enter(event, invocation) {
      const inside = contextOf(who, event, aboutOf(invocation), options, own)
      return { inside, id: correlationOf(inside)?.id ?? '' }
    },
    left,
    flush: (invocation) => flush(who, Math.min(flushTimeoutMs, left(invocation))),
  }
}

function aboutOf(invocation: unknown): ContextLike {
  return (invocation ?? {}) as ContextLike
}

/** The context of an invocation. An instrumentation of Lambda may have set its trace already; then it stays. */
function contextOf(
  who: string,
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
      ? acceptOrCreate(ask(`${who}: id`, options.id, event) ?? about.awsRequestId)
      : acceptOrCreate(inbound, trusted))
  const user = ask(`${who}: user`, options.user, event) ?? known?.user
  const outer =
    trusted && trace.getSpan(active) === undefined
      ? propagation.extract(active, { ...headers, [CORRELATION_HEADER]: id })
      : active
  return outer.setValue(CORRELATION_KEY, user === undefined ? { id } : { id, user })
}

function ask(
  what: string,
  extract: ((event: unknown) => string | undefined) | undefined,
  event: unknown,
): string | undefined {
  try {
    const value: unknown = extract?.(event)
    return typeof value === 'string' ? value : undefined
  } catch (problem) {
    notice('extraction_failed', what, problem)
    return undefined
  }
}

/** Bounded here as well, whatever the SDK does; without an SDK, or with one that has nothing to flush, no wait at all. */
async function flush(who: string, timeoutMs: number): Promise<void> {
  const runtime = slot.runtime
  if (runtime?.flush === undefined) return
  let timer: NodeJS.Timeout | undefined
  try {
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(resolve, Math.max(timeoutMs, 0), false)
    })
    const sent = timeoutMs > 0 && (await Promise.race([runtime.flush(timeoutMs), late]))
    if (!sent) notice('flush_incomplete', who)
  } catch (problem) {
    notice('flush_incomplete', who, problem)
  } finally {
    clearTimeout(timer)
  }
}
