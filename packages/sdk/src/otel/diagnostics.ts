import { type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api'
import type { Notices } from '../notices.js'

const DROPPED = /^Dropped (\d+) spans/

/**
 * OpenTelemetry's SDK tells of failed exports and dropped spans to a logger that nobody sets: without one they are lost in silence. They
 * become notices. A logger that the application has set, or asks for by `OTEL_LOG_LEVEL`, stays. Returns what takes ours away.
 */
export function listenToOpenTelemetry(notices: Notices): () => void {
  const api = (globalThis as Record<symbol, { diag?: unknown } | undefined>)[
    Symbol.for('opentelemetry.js.api.1')
  ]
  if (process.env.OTEL_LOG_LEVEL || api?.diag !== undefined) return () => {}
  const silent = (): void => {}
  const logger: DiagLogger = {
    error: (message) => notices.note('otel_error', firstLine(message)),
    warn(message) {
      const dropped = DROPPED.exec(message)
      if (dropped !== null)
        notices.note('spans_dropped', 'the queue of spans that are no operations is full', Number(dropped[1]))
    },
    info: silent,
    debug: silent,
    verbose: silent,
  }
  diag.setLogger(logger, DiagLogLevel.WARN)
  return () => diag.disable()
}

/** Errors come as JSON of an exception, or as a stack. */
function firstLine(message: string): string {
  try {
    const { name, message: text } = JSON.parse(message) as { name?: unknown; message?: unknown }
    if (typeof text === 'string') return `${String(name ?? 'Error')}: ${text}`.slice(0, 200)
  } catch {
    // A plain text.
  }
  return (message.split('\n')[0] ?? '').slice(0, 200)
}
