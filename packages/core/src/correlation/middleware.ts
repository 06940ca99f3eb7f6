import { context } from '@opentelemetry/api'
import { CORRELATION_KEY, correlationOf } from './id.js'
import { acceptOrCreate, CORRELATION_HEADER, single } from './propagator.js'

/** What of a request is read: the shape of Node's IncomingMessage. */
export interface MiddlewareRequest {
  headers: Record<string, string | string[] | undefined>
}

/** What of a response is used: the shape of Node's ServerResponse. */
export interface MiddlewareResponse {
  headersSent: boolean
  setHeader(name: string, value: string): unknown
}

/**
 * Connect-style middleware: gives the request its correlation ID, answers with it in `x-correlation-id` and calls `next` inside its
 * context. Under HTTP auto-instrumentation the ID is there already and is kept; without it the header is read and validated here.
 */
export function middleware(): (
  request: MiddlewareRequest,
  response: MiddlewareResponse,
  next: () => void,
) => void {
  return (request, response, next) => {
    const active = context.active()
    const known = correlationOf(active)
    const id = known?.id ?? acceptOrCreate(single(request.headers[CORRELATION_HEADER]))
    if (!response.headersSent) response.setHeader(CORRELATION_HEADER, id)
    if (known !== undefined) next()
    else context.with(active.setValue(CORRELATION_KEY, { id }), next)
  }
}
