import type { Context } from '@opentelemetry/api'
import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace'
import { correlationOf } from '@throughline/core/runtime'
import { OPERATIONS_SCOPE } from '../version.js'

/** Sets `correlation.id` on every span of a request, so that Jaeger finds them all by it. */
export const correlationSpanProcessor: SpanProcessor = {
  onStart(span: Span, parent: Context): void {
    const correlation = correlationOf(parent)
    if (correlation === undefined) return
    span.setAttribute('correlation.id', correlation.id)
    if (correlation.user !== undefined) span.setAttribute('user.id', correlation.user)
  },
  onEnd(): void {},
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
}

/** Keeps operation spans from an exporter: they travel through the spool, and would arrive twice. */
export function withoutOperations(inner: SpanProcessor): SpanProcessor {
  return {
    onStart(span, parent) {
      if (span.instrumentationScope.name !== OPERATIONS_SCOPE.name) inner.onStart(span, parent)
    },
    onEnd(span: ReadableSpan) {
      if (span.instrumentationScope.name !== OPERATIONS_SCOPE.name) inner.onEnd(span)
    },
    forceFlush: (...args) => inner.forceFlush(...args),
    shutdown: (...args) => inner.shutdown(...args),
  }
}
