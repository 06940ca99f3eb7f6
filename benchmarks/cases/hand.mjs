import { byHand, otel } from './shared.mjs'

/** Hand-written OpenTelemetry: span, six attributes, histogram, counter; exported to nowhere. */
export async function setup() {
  otel()
  return { call: byHand() }
}
