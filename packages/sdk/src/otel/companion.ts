import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { ScopeMetrics } from '../metrics/exporter.js'

/** The side of the SDK that is OpenTelemetry's: spans and metrics that are not ours. */
export interface Companion {
  /** For the status line: `instruments http, undici`. */
  readonly description: string
  /** What of it deserves a warning: said once, counted. */
  readonly tooEarly: readonly string[]
  /** Takes a span that ended, as its own processors would. Absent where no spans are exported. */
  exportSpan?(span: ReadableSpan): void
  /** The application's own metrics, for the metrics page. */
  collect(): Promise<ScopeMetrics[]>
  flush(timeoutMs: number): Promise<void>
  shutdown(): Promise<void>
}
