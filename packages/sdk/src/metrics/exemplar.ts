import type { Operation } from '@throughline/core/runtime'
import type { Notices } from '../notices.js'
import type { ExemplarSlot } from './series.js'

/**
 * Prometheus drops an exemplar whose label names and values exceed 128 characters together. `trace_id` and `span_id` take 63 with their
 * values, the name `correlation.id` 14: 51 are left for the ID. A UUID has 36.
 */
const MAX_EXEMPLAR_CORRELATION = 51

/** Keeps a sampled operation for a while, since its trace can be opened; after that any newer one. */
const PREFER_SAMPLED_MS = 60_000

/**
 * The exemplar that shall stand after this measurement: reuses the slot object, so a busy series makes no garbage. `kept`: its trace can
 * be opened although the head sampler left it out.
 */
export function takeExemplar(
  slot: ExemplarSlot | undefined,
  operation: Operation,
  value: number,
  steadyMs: number,
  notices: Notices,
  kept = false,
): ExemplarSlot | undefined {
  // Counted outside of any span: there is no trace to open.
  if (operation.traceId === '') return slot
  const sampled = kept || (operation.traceFlags & 1) !== 0
  if (slot?.sampled && !sampled && steadyMs - slot.steadyMs < PREFER_SAMPLED_MS) return slot
  let correlationId = operation.correlationId
  if (correlationId.length > MAX_EXEMPLAR_CORRELATION) {
    correlationId = ''
    notices.note(
      'exemplar_label_dropped',
      `a correlation ID longer than ${MAX_EXEMPLAR_CORRELATION} characters`,
    )
  }
  if (slot === undefined)
    return { value, steadyMs, traceId: operation.traceId, spanId: operation.spanId, correlationId, sampled }
  slot.value = value
  slot.steadyMs = steadyMs
  slot.traceId = operation.traceId
  slot.spanId = operation.spanId
  slot.correlationId = correlationId
  slot.sampled = sampled
  return slot
}
