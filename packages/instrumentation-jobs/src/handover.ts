import { type Context, isSpanContextValid, type SpanContext, trace } from '@opentelemetry/api'
import { correlationOf } from '@throughline/core/runtime'
import { clean } from './clean.js'

/** Environment for code that goes on in this context somewhere else. */
export function environmentOf(context: Context): Record<string, string> {
  const span = trace.getSpanContext(context)
  return present({
    TRACEPARENT: traceparent(span),
    TRACESTATE: tracestate(span),
    CORRELATION_ID: correlationOf(context)?.id,
  })
}

/** Labels that lead from a container to its job. */
export function labelsOf(
  context: Context,
  job: { id: string; type: string; queue: string },
): Record<string, string> {
  return present({
    'throughline.job.id': clean(job.id),
    'throughline.job.type': clean(job.type),
    'throughline.job.queue': clean(job.queue),
    'throughline.correlation_id': correlationOf(context)?.id,
    'throughline.traceparent': traceparent(trace.getSpanContext(context)),
  })
}

/** `version-trace-span-flags` of W3C, whatever propagators are in use: what runs in the container need not know ours. */
function traceparent(span: SpanContext | undefined): string | undefined {
  if (span === undefined || !isSpanContextValid(span)) return undefined
  const flags = (span.traceFlags & 0xff).toString(16).padStart(2, '0')
  return `00-${span.traceId}-${span.spanId}-${flags}`
}

/** Members as they are; more than the standard obliges anyone to pass on stay here whole, since half a member is none. */
function tracestate(span: SpanContext | undefined): string | undefined {
  const text = span?.traceState?.serialize()
  return text === undefined || text === '' || text.length > 512 ? undefined : clean(text, 512)
}

/** Without the keys that have no value. */
function present(values: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}
