import { context, propagation, ROOT_CONTEXT, type TextMapGetter } from '@opentelemetry/api'
import { EXPLICIT_KEY } from './boundary.js'
import { correlationOf } from './id.js'
import { CORRELATION_HEADER, CorrelationPropagator } from './propagator.js'

const propagator = new CorrelationPropagator()

/** Headers of a message as brokers give them: text, bytes, or several of either. */
export type MessageHeaders = Record<string, unknown>

/** Names in any case, values as text: brokers keep what the sender wrote, and many give bytes. */
const getter: TextMapGetter<MessageHeaders> = {
  keys: (carrier) => Object.keys(carrier),
  get(carrier, wanted) {
    const name = Object.keys(carrier).find((key) => key.toLowerCase() === wanted)
    const value = name === undefined ? undefined : carrier[name]
    if (Array.isArray(value)) return value.map(text).filter((one) => one !== undefined)
    return text(value)
  },
}

function text(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : undefined
}

/**
 * Writes the trace context (`traceparent`, `tracestate`), allowed baggage and the correlation ID (`x-correlation-id`) of this moment into
 * the headers of a message, and returns them. The allow list of hosts does not bind it: the code names the receiver itself.
 */
export function inject<C extends MessageHeaders>(headers: C): C {
  const explicit = context.active().setValue(EXPLICIT_KEY, true)
  const set = (carrier: C, key: string, value: string): void => {
    ;(carrier as MessageHeaders)[key] = value
  }
  propagation.inject(explicit, headers, { set })
  // Another set-up than ours may have no propagator for it.
  if (correlationOf(explicit) !== undefined && headers[CORRELATION_HEADER] === undefined)
    propagator.inject(explicit, headers, { set })
  return headers
}

/**
 * Runs `fn` as what a message causes: under its correlation ID (a new one if it has none that is valid) and as a child of its trace.
 * What was active around it, such as the loop that polls, is left out. Returns what `fn` returns.
 */
export function extract<T>(headers: MessageHeaders | undefined, fn: () => T): T {
  const carrier = headers ?? {}
  const extracted = propagation.extract(ROOT_CONTEXT, carrier, getter)
  const inside =
    correlationOf(extracted) === undefined ? propagator.extract(extracted, carrier, getter) : extracted
  return context.with(inside, fn)
}
