import { type Context, context, SpanKind, TraceFlags, trace } from '@opentelemetry/api'
import { steadyMs, unixNano } from '../clock.js'
import { correlationOf, newCorrelationId } from '../correlation/id.js'
import { newSpanId, newTraceId } from '../ids.js'
import { Operation } from '../operation.js'
import { OperationContext } from '../operation-context.js'
import type { Runtime } from '../runtime.js'
import type { Site } from './site.js'

/** The scope of every operation: what the Collector and the recorder look for. */
const SCOPE = 'throughline.operations'

const INVALID_SPAN_ID = '0000000000000000'

export interface Begun {
  readonly operation: Operation
  readonly inside: Context
}

/**
 * Begins an operation. A root, or a child of a sampled span, gets a span of the SDK, so that other processors see it too. Below an
 * unsampled parent there is none: the operation keeps its place in the trace by IDs alone, which costs a sixth of it.
 */
export function begin(runtime: Runtime, site: Site, self: unknown): Begun {
  const names = site.names(self)
  const outer = context.active()
  const parent = trace.getSpanContext(outer)
  const correlation = correlationOf(outer) ?? { id: newCorrelationId() }
  const startSteadyMs = steadyMs()
  const startUnixNano = unixNano(startSteadyMs)
  const hasParent = parent !== undefined && parent.spanId !== INVALID_SPAN_ID && parent.spanId !== ''
  const span =
    !hasParent || (parent.traceFlags & TraceFlags.SAMPLED) !== 0
      ? trace
          .getTracer(SCOPE)
          .startSpan(names.spanName, { kind: SpanKind.INTERNAL, startTime: hrTime(startUnixNano) }, outer)
      : undefined
  const made = span?.spanContext()
  // Without a tracer provider the API hands the parent back, or zeros: then the identity is ours.
  const own =
    made !== undefined && made.spanId !== INVALID_SPAN_ID && made.spanId !== parent?.spanId ? made : undefined
  const operation = new Operation({
    names,
    traceId: own?.traceId ?? (hasParent ? parent.traceId : newTraceId()),
    spanId: own?.spanId ?? newSpanId(),
    parentSpanId: hasParent ? parent.spanId : undefined,
    traceFlags: own?.traceFlags ?? parent?.traceFlags ?? TraceFlags.NONE,
    traceState: (own ?? parent)?.traceState?.serialize(),
    span: own !== undefined && span?.isRecording() ? span : undefined,
    correlationId: correlation.id,
    userId: correlation.user,
    startUnixNano,
    startSteadyMs,
  })
  const active =
    own !== undefined && span !== undefined
      ? span
      : trace.wrapSpanContext({
          traceId: operation.traceId,
          spanId: operation.spanId,
          traceFlags: operation.traceFlags,
        })
  runtime.start(operation)
  return { operation, inside: new OperationContext(outer, active, operation, correlation) }
}

function hrTime(unixNanos: bigint): [number, number] {
  return [Number(unixNanos / 1_000_000_000n), Number(unixNanos % 1_000_000_000n)]
}
