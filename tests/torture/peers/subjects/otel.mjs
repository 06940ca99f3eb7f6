const ERROR = 2

/** A span processor that keeps what ends, and reads it as the table needs it. */
export function collector() {
  const ended = []
  return {
    processor: {
      onStart() {},
      onEnd: (span) => void ended.push(span),
      forceFlush: async () => {},
      shutdown: async () => {},
    },
    async recorded(name) {
      return ended
        .filter((span) => span.name === name)
        .map((span) => ({
          span,
          exception: span.events.find((event) => event.name === 'exception')?.attributes,
        }))
        .map(({ span, exception }) => ({
          errorMessage: exception?.['exception.message'] ?? span.status.message,
          errorStack: exception?.['exception.stacktrace'],
          durationMs: span.duration[0] * 1_000 + span.duration[1] / 1_000_000,
          outcome: span.status.code === ERROR ? 'failure' : 'success',
          spanId: span.spanContext().spanId,
          parentSpanId: span.parentSpanContext?.spanId ?? span.parentSpanId,
        }))
    },
  }
}
