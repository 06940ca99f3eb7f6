import { type Span, SpanKind, TraceFlags, type Tracer, trace } from '@opentelemetry/api'
import { newSpanId, newTraceId, type Runtime, unixNano } from '@throughline/core/runtime'
import type { HeadSampler } from './head-sampler.js'
import { hrTime } from './hr-time.js'
import { OwnSpan } from './own-span.js'

type StartSpan = NonNullable<Runtime['startSpan']>

/** Operations that are records: what the Collector and the recorder look for. */
const RECORDED_SCOPE = 'throughline.operations'
/** Operations that are no records: ordinary spans, which the ordinary exporter sends. */
export const UNRECORDED_SCOPE = 'throughline.spans'

const INVALID_SPAN_ID = '0000000000000000'

/** Spans of whichever tracer provider is registered, so that its processors see them. */
export function tracerSpans(): StartSpan {
  let recordedTracer: Tracer | undefined
  let unrecordedTracer: Tracer | undefined
  // Looked up at the first span: a provider may be registered after us, and looking up costs as much as the rest of a beginning.
  const tracerOf = (recorded: boolean): Tracer => {
    if (recorded) {
      recordedTracer ??= trace.getTracer(RECORDED_SCOPE)
      return recordedTracer
    }
    unrecordedTracer ??= trace.getTracer(UNRECORDED_SCOPE)
    return unrecordedTracer
  }
  return (name, recorded, parent, outer, startSteadyMs) => {
    const span = tracerOf(recorded).startSpan(
      name,
      { kind: SpanKind.INTERNAL, startTime: hrTime(unixNano(startSteadyMs)) },
      outer,
    )
    // Without a tracer provider the API hands the parent back, or zeros: then the identity is the operation's.
    const { spanId } = span.spanContext()
    return spanId === INVALID_SPAN_ID || spanId === parent?.spanId ? undefined : span
  }
}

/** Spans that the operations keep themselves, at a third of the cost: for where no processor but ours would see one of the SDK. */
export function ownSpans(sample: HeadSampler): StartSpan {
  return (name, _recorded, parent, outer): Span => {
    const traceId = parent?.traceId ?? newTraceId()
    const traceState = parent?.traceState
    const traceFlags = sample(traceId, name, outer) ? TraceFlags.SAMPLED : TraceFlags.NONE
    const made = {
      traceId,
      spanId: newSpanId(),
      traceFlags,
      ...(traceState === undefined ? {} : { traceState }),
    }
    return traceFlags === TraceFlags.SAMPLED ? new OwnSpan(made) : trace.wrapSpanContext(made)
  }
}
