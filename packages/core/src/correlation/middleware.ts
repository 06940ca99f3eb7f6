import { type Context, context, trace } from '@opentelemetry/api'
import { notice } from '../notice.js'
import { boundary, mayEnter } from './boundary.js'
import { CORRELATION_KEY, type Correlation, correlationOf, newCorrelationId } from './id.js'
import { acceptOrCreate, CORRELATION_HEADER, single } from './propagator.js'
import { DEFAULT_TRUST, type PeerRequest, type PeerTest, peerTest, type Trust } from './trust.js'

/** A request with its ID and the context that carries it. */
export interface Entered {
  readonly id: string
  readonly inside: Context
}

/** What of a response is used: the shape of Node's ServerResponse. */
export interface MiddlewareResponse {
  headersSent: boolean
  setHeader(name: string, value: string): unknown
}

export interface MiddlewareOptions<R extends PeerRequest = PeerRequest> {
  /**
   * Whose `x-correlation-id` is taken over. Default: the SDK's option `trust`, without an SDK `private`. Where an instrumentation has read
   * the header before, this can only be stricter than the SDK's.
   */
  trust?: Trust
  /** Who the request is for, where that is known by now: every span, record and log line below gets it. */
  user?: (request: R) => string | undefined
}

export type Middleware<R extends PeerRequest = PeerRequest> = (
  request: R,
  response: MiddlewareResponse,
  next: () => void,
) => void

/** The default, made when first needed. */
let byDefault: PeerTest | undefined

/** The policy of the process: that of the SDK, else the default. */
export function processTrusts(): PeerTest {
  byDefault ??= peerTest(DEFAULT_TRUST)
  return boundary.trusts ?? byDefault
}

/**
 * Connect-style middleware: gives the request its correlation ID, answers with it in `x-correlation-id` and calls `next` inside its
 * context. Under HTTP auto-instrumentation the ID is there already and is kept; without it the header is read and validated here.
 * @throws TypeError at once for a `trust` that is no policy
 */
export function middleware<R extends PeerRequest = PeerRequest>(
  options: MiddlewareOptions<R> = {},
): Middleware<R> {
  const enter = requestEntry(options)
  return (request, response, next) => {
    const entered = enter(request)
    if (!response.headersSent) response.setHeader(CORRELATION_HEADER, entered.id)
    bindEvents(entered, request, response)
    if (entered.inside === context.active()) next()
    else context.with(entered.inside, next)
  }
}

/** A request's ID and the context it shall run in: what the middleware and the adapters of frameworks have in common. */
export function requestEntry<R extends PeerRequest>(
  options: MiddlewareOptions<R> = {},
): (request: R) => Entered {
  const own = options.trust === undefined ? undefined : peerTest(options.trust)
  return (request) => {
    const active = context.active()
    const known = correlationOf(active)
    const id = idOf(request, known, own)
    const user = userOf(options, request) ?? known?.user
    if (known !== undefined && known.id === id && known.user === user) return { id, inside: active }
    const value: Correlation = user === undefined ? { id } : { id, user }
    if (known !== undefined) correct(active, value)
    return { id, inside: active.setValue(CORRELATION_KEY, value) }
  }
}

/** The ID that is there, else the inbound one if it is valid and trusted, else a new one. */
function idOf(request: PeerRequest, known: Correlation | undefined, own: PeerTest | undefined): string {
  const inbound = single(request.headers[CORRELATION_HEADER])
  if (known === undefined) {
    const trusted = inbound !== undefined && mayEnter(request.headers) && (own ?? processTrusts())(request)
    return acceptOrCreate(inbound, trusted)
  }
  if (own === undefined || inbound !== known.id || own(request)) return known.id
  notice('correlation_id_untrusted', CORRELATION_HEADER)
  return newCorrelationId()
}

function userOf<R extends PeerRequest>(options: MiddlewareOptions<R>, request: R): string | undefined {
  if (options.user === undefined) return undefined
  try {
    const user = options.user(request)
    return typeof user === 'string' ? user : undefined
  } catch (problem) {
    notice('extraction_failed', 'user of the middleware', problem)
    return undefined
  }
}

/**
 * Listeners that code inside adds to the request and its answer (`end`, `data`, `finish`) run in its context too: the parser that emits
 * knows nothing of it. An instrumentation that set the context has done so already.
 */
export function bindEvents({ inside }: Entered, ...emitters: object[]): void {
  if (inside === context.active()) return
  for (const one of emitters) {
    if (typeof (one as { addListener?: unknown }).addListener === 'function') context.bind(inside, one)
  }
}

/** The server span was started before the middleware ran: it gets what is known now. */
function correct(active: Context, correlation: Correlation): void {
  const span = trace.getSpan(active)
  if (span === undefined || !span.isRecording()) return
  span.setAttribute('correlation.id', correlation.id)
  if (correlation.user !== undefined) span.setAttribute('user.id', correlation.user)
}
