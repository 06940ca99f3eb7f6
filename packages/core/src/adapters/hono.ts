import { context } from '@opentelemetry/api'
import { type MiddlewareOptions, requestEntry } from '../correlation/middleware.js'
import { CORRELATION_HEADER } from '../correlation/propagator.js'
import type { PeerRequest } from '../correlation/trust.js'

/** What of Hono's context is used. */
interface ContextLike {
  readonly req: { header(name: string): string | undefined }
  readonly env: unknown
  header(name: string, value: string): void
}

/**
 * Hono middleware: `app.use(honoCorrelation())` before the routes. Gives each request its correlation ID, answers with it in
 * `x-correlation-id`, and runs what follows inside its context, with and without HTTP auto-instrumentation.
 *
 * The peer's address is known under `@hono/node-server`. On another server a header is taken over only with `trust: true` or a function.
 */
export function honoCorrelation(
  options: MiddlewareOptions = {},
): (c: ContextLike, next: () => Promise<void>) => Promise<void> {
  const enter = requestEntry(options)
  return async (c, next) => {
    const { id, inside } = enter(requestOf(c))
    await context.with(inside, next)
    // After the answer is made: an answer that a handler builds by itself takes over none of the headers set before.
    c.header(CORRELATION_HEADER, id)
  }
}

/** Node's own request where there is one: a policy and an instrumentation know it by its headers. */
function requestOf(c: ContextLike): PeerRequest {
  const { incoming } = (c.env ?? {}) as { incoming?: PeerRequest }
  return incoming ?? { headers: { [CORRELATION_HEADER]: c.req.header(CORRELATION_HEADER) } }
}
