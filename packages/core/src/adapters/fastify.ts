import { context } from '@opentelemetry/api'
import { correlationOf } from '../correlation/id.js'
import { bindEvents, type Entered, type MiddlewareOptions, requestEntry } from '../correlation/middleware.js'
import { CORRELATION_HEADER } from '../correlation/propagator.js'
import type { PeerRequest } from '../correlation/trust.js'

/** What of Fastify's request is used. */
interface RequestLike extends PeerRequest {
  readonly raw: object
}

/** What of Fastify's reply is used. */
interface ReplyLike {
  readonly raw: object
  header(name: string, value: string): unknown
}

type Hook = (request: RequestLike, reply: ReplyLike, done: () => void) => void

/** What of a Fastify instance is used, in the shape of version 5. */
interface FastifyLike {
  addHook(name: 'onRequest', hook: Hook): unknown
  addHook(name: 'preValidation', hook: Hook): unknown
}

function plugin(fastify: FastifyLike, options: MiddlewareOptions<RequestLike>, done: () => void): void {
  const enter = requestEntry(options)
  const requests = new WeakMap<object, Entered>()

  fastify.addHook('onRequest', (request, reply, next) => {
    const entered = enter(request)
    requests.set(request.raw, entered)
    reply.header(CORRELATION_HEADER, entered.id)
    bindEvents(entered, request.raw, reply.raw)
    context.with(entered.inside, next)
  })

  // The body has been read in between, maybe by a parser that hands on from a context of its own: the handler shall not depend on it.
  fastify.addHook('preValidation', (request, _reply, next) => {
    const entered = requests.get(request.raw)
    if (entered === undefined || correlationOf(context.active())?.id === entered.id) next()
    else context.with(entered.inside, next)
  })
  done()
}

/**
 * Fastify plugin: `app.register(fastifyCorrelation)` before the routes. Gives each request its correlation ID, answers with it in
 * `x-correlation-id`, and runs hooks and handlers inside its context, with and without HTTP auto-instrumentation. Options are those of
 * `correlation.middleware`.
 */
export const fastifyCorrelation: typeof plugin = Object.assign(plugin, {
  // Fastify's own marks: the hooks hold for the whole application and not only inside the plugin.
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'throughline-correlation',
})
