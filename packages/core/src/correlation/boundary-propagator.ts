import { type Context, propagation, type TextMapPropagator } from '@opentelemetry/api'
import { mayEnter, mayLeave } from './boundary.js'

/** The same propagator for trusted peers and allowed hosts alone: W3C trace context of anyone else begins no trace of ours. */
export function withinBoundary(inner: TextMapPropagator): TextMapPropagator {
  return {
    inject(context, carrier, setter) {
      if (mayLeave(context, carrier)) inner.inject(context, carrier, setter)
    },
    extract: (context, carrier, getter) =>
      mayEnter(carrier) ? inner.extract(context, carrier, getter) : context,
    fields: () => inner.fields(),
  }
}

/**
 * A baggage propagator that lets the named entries pass, in and out, and no other: what a client writes there would otherwise reach every
 * service and third party that is called on the way.
 */
export function withBaggageKeys(inner: TextMapPropagator, keys: readonly string[]): TextMapPropagator {
  const allowed = new Set(keys)
  return {
    inject(context, carrier, setter) {
      const kept = keep(context, allowed)
      if (kept !== undefined) inner.inject(kept, carrier, setter)
    },
    extract(context, carrier, getter) {
      if (allowed.size === 0) return context
      const extracted = inner.extract(context, carrier, getter)
      return keep(extracted, allowed) ?? propagation.deleteBaggage(extracted)
    },
    fields: () => (allowed.size === 0 ? [] : inner.fields()),
  }
}

/** The context with the allowed entries alone; undefined when there are none. */
function keep(context: Context, allowed: ReadonlySet<string>): Context | undefined {
  if (allowed.size === 0) return undefined
  const entries = propagation.getBaggage(context)?.getAllEntries() ?? []
  const kept = entries.filter(([key]) => allowed.has(key))
  return kept.length === 0
    ? undefined
    : propagation.setBaggage(context, propagation.createBaggage(Object.fromEntries(kept)))
}
