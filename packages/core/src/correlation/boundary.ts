import { type Context, SpanKind, trace } from '@opentelemetry/api'
import type { PeerRequest, PeerTest } from './trust.js'

/** What crosses between this process and others, decided once for the process: set by the SDK, read wherever headers come and go. */
interface Boundary {
  /** Undefined: no SDK set a policy, the default holds. */
  trusts: PeerTest | undefined
  /**
   * Header objects of requests whose peer is not trusted. A propagator sees nothing of a request but this object, so the verdict hangs
   * on its identity: no header is changed, and an object that is not here came another way (a message, a call of gRPC).
   */
  readonly refused: WeakSet<object>
  /** Undefined: headers go to every host. */
  mayReach: ((host: string) => boolean) | undefined
  /** Where the request that is being made right now goes. */
  destination: Destination | undefined
}

interface Destination {
  readonly host: string
  /** The header object that it was claimed for; a second one in the same turn is another matter. */
  carrier: unknown
}

/** Shared by every copy of this package: the SDK may have loaded another one than the application. */
const BOUNDARY = Symbol.for('throughline.boundary.v1')

const holder = globalThis as { [BOUNDARY]?: Boundary }

// biome-ignore lint/suspicious/noAssignInExpressions: create once, share from then on
export const boundary: Boundary = (holder[BOUNDARY] ??= {
  trusts: undefined,
  refused: new WeakSet(),
  mayReach: undefined,
  destination: undefined,
})

/** Marks a context whose headers the code itself asked for, by `correlation.inject`. */
export const EXPLICIT_KEY: symbol = Symbol.for('throughline.inject')

/** Whether what this carrier holds may be taken over. */
export function mayEnter(carrier: unknown): boolean {
  return typeof carrier !== 'object' || carrier === null || !boundary.refused.has(carrier)
}

/** Whether headers may be written into this carrier: with an allow list only towards a host that is known and on it. */
export function mayLeave(context: Context, carrier: unknown): boolean {
  const { mayReach, destination } = boundary
  if (mayReach === undefined || context.getValue(EXPLICIT_KEY) === true) return true
  if (destination !== undefined) destination.carrier ??= carrier
  const host = destination?.carrier === carrier ? destination?.host : hostOfSpan(context)
  return host !== undefined && mayReach(host)
}

/** Where an instrumentation that is not ours announces nothing, its client span says the host; an unsampled span says nothing. */
function hostOfSpan(context: Context): string | undefined {
  const span = trace.getSpan(context) as { kind?: unknown; attributes?: Record<string, unknown> } | undefined
  const host = span?.kind === SpanKind.CLIENT ? span.attributes?.['server.address'] : undefined
  return typeof host === 'string' ? host.toLowerCase() : undefined
}

/**
 * Says where the request goes for which headers will be asked next, in this same turn: called by the start hooks of the http and undici
 * instrumentations, which run right before they ask.
 */
export function announceDestination(host: string | undefined): void {
  if (boundary.mayReach === undefined) return
  const destination = host === undefined ? undefined : { host: host.toLowerCase(), carrier: undefined }
  boundary.destination = destination
  queueMicrotask(() => {
    if (boundary.destination === destination) boundary.destination = undefined
  })
}

interface Started {
  readonly request: PeerRequest & { readonly headers: object }
}

/**
 * Applies the policies to the whole process. Node names each request before any listener sees it, so the verdict stands when an
 * instrumentation asks the propagator for the context of its server span. Returns what takes the policies back.
 */
export function guardBoundary(policies: {
  trusts: PeerTest
  mayReach: ((host: string) => boolean) | undefined
}): () => void {
  const { trusts, mayReach } = policies
  const channels = process.getBuiltinModule('node:diagnostics_channel')
  const onStart = (message: unknown): void => {
    const { request } = message as Started
    if (!trusts(request)) boundary.refused.add(request.headers)
  }
  channels.subscribe('http.server.request.start', onStart)
  boundary.trusts = trusts
  boundary.mayReach = mayReach
  return () => {
    channels.unsubscribe('http.server.request.start', onStart)
    boundary.trusts = undefined
    boundary.mayReach = undefined
    boundary.destination = undefined
  }
}
