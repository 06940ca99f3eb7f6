import type { Context, TextMapGetter, TextMapPropagator, TextMapSetter } from '@opentelemetry/api'
import { notice } from '../notice.js'
import { mayEnter, mayLeave } from './boundary.js'
import { CORRELATION_KEY, correlationOf, isCorrelationId, newCorrelationId } from './id.js'

/** The header that carries the ID between services and back to the caller. */
export const CORRELATION_HEADER = 'x-correlation-id'

/**
 * Carries the correlation ID in `x-correlation-id`.
 *
 * Extraction always leaves an ID in the context, so that the server span of a request has it from its start: the inbound one if it
 * is valid and its sender trusted, else the one that is there, else a new UUID. An invalid inbound value (two headers arrive joined by a
 * comma) is dropped and counted, as is that of an untrusted peer; neither is ever repeated anywhere.
 */
export class CorrelationPropagator implements TextMapPropagator {
  inject(context: Context, carrier: unknown, setter: TextMapSetter): void {
    const correlation = correlationOf(context)
    if (correlation !== undefined && mayLeave(context, carrier))
      setter.set(carrier, CORRELATION_HEADER, correlation.id)
  }

  extract(context: Context, carrier: unknown, getter: TextMapGetter): Context {
    const inbound = single(getter.get(carrier, CORRELATION_HEADER))
    if (inbound === undefined && correlationOf(context) !== undefined) return context
    return context.setValue(CORRELATION_KEY, { id: acceptOrCreate(inbound, mayEnter(carrier)) })
  }

  fields(): string[] {
    return [CORRELATION_HEADER]
  }
}

/** The inbound ID if it is valid and from a peer that is trusted, else a new one. */
export function acceptOrCreate(inbound: string | undefined, trusted = true): string {
  if (inbound === undefined) return newCorrelationId()
  if (trusted && isCorrelationId(inbound)) return inbound
  // The value itself is not named: it comes from outside and may be long or hostile.
  notice(trusted ? 'correlation_id_replaced' : 'correlation_id_untrusted', CORRELATION_HEADER)
  return newCorrelationId()
}

/** Several values are as bad as an invalid one: joined they never match the pattern. */
export function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? (value.length === 0 ? undefined : value.join(', ')) : value
}
