import { type Context, context, type SpanContext, TraceFlags, trace } from '@opentelemetry/api'
import { steadyMs } from '../clock.js'
import { correlationOf, newCorrelationId } from '../correlation/id.js'
import { newSpanId, newTraceId } from '../ids.js'
import { notice } from '../notice.js'
import { Operation } from '../operation.js'
import { OperationContext } from '../operation-context.js'
import type { Runtime } from '../runtime.js'
import type { Site } from './site.js'

const INVALID_SPAN_ID = '0000000000000000'

export interface Begun {
  readonly operation: Operation
  /** The context inside the operation. */
  readonly inside: Context
  /** Whether that is the context outside: then nothing has to be entered. */
  readonly direct: boolean
}

/**
 * Begins an operation. A root, or a child of a sampled span, gets a span. Below an unsampled parent there is none: the operation keeps
 * its place in the trace by IDs alone, which costs a sixth of it.
 */
function begin(runtime: Runtime, site: Site, self: unknown): Begun {
  const names = site.names(self)
  const { record: recorded = true, span: spanned = true } = site.options
  const outer = context.active()
  const parent = parentOf(outer)
  const known = correlationOf(outer)
  const startSteadyMs = steadyMs()
  if (!recorded && !spanned) {
    // Only counted and timed: it stands for the span it runs in. Field by field: three spreads would cost half of it.
    const operation = new Operation({
      names,
      recorded,
      traceId: parent?.traceId ?? '',
      spanId: parent?.spanId ?? '',
      parentSpanId: undefined,
      traceFlags: parent?.traceFlags ?? TraceFlags.NONE,
      traceState: undefined,
      span: undefined,
      correlationId: known?.id ?? '',
      userId: known?.user,
      startSteadyMs,
    })
    runtime.start(operation)
    return { operation, inside: outer, direct: true }
  }
  const correlation = known ?? { id: newCorrelationId() }
  const wanted = spanned && (parent === undefined || (parent.traceFlags & TraceFlags.SAMPLED) !== 0)
  const span = wanted
    ? runtime.startSpan?.(names.spanName, recorded, parent, outer, startSteadyMs)
    : undefined
  const made = span?.spanContext() ?? {
    traceId: parent?.traceId ?? newTraceId(),
    spanId: newSpanId(),
    traceFlags: TraceFlags.NONE,
  }
  const operation = new Operation({
    names,
    recorded,
    traceId: made.traceId,
    spanId: made.spanId,
    parentSpanId: parent?.spanId,
    traceFlags: made.traceFlags,
    traceState: (made.traceState ?? parent?.traceState)?.serialize(),
    span: span?.isRecording() ? span : undefined,
    correlationId: correlation.id,
    userId: correlation.user,
    startSteadyMs,
  })
  runtime.start(operation)
  // An operation that wants no span leaves the one around it to its children: they must not hang on a span that nobody will see.
  const around = spanned || parent === undefined ? undefined : trace.getSpan(outer)
  const inside = new OperationContext(
    outer,
    span ?? around ?? trace.wrapSpanContext(made),
    operation,
    correlation,
  )
  return { operation, inside, direct: false }
}

function parentOf(outer: Context): SpanContext | undefined {
  const parent = trace.getSpanContext(outer)
  return parent === undefined || parent.spanId === INVALID_SPAN_ID || parent.spanId === ''
    ? undefined
    : parent
}

/** A fault of ours in here costs the operation, not the call. */
export function tryBegin(runtime: Runtime, site: Site, self: unknown): Begun | undefined {
  try {
    return begin(runtime, site, self)
  } catch (problem) {
    notice('internal_error', 'start of an operation', problem)
    return undefined
  }
}
