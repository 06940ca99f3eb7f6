import { type Context, context } from '@opentelemetry/api'
import { correlationOf } from '@throughline/core/runtime'

/** What of a log record is used: the shape of `SdkLogRecord` of `@opentelemetry/sdk-logs`. */
interface LogRecordLike {
  setAttribute(key: string, value: string): unknown
}

/**
 * Log record processor for OpenTelemetry's log pipeline: puts `correlation.id`, the fields of `correlation.run` and, where known, `user.id`
 * on each record, with and without an active span. Trace and span ID are fields of the record and set by OpenTelemetry itself. Goes before
 * the exporting processor.
 */
export const correlationLogProcessor = {
  onEmit(record: LogRecordLike, emitted?: Context): void {
    const correlation = correlationOf(emitted ?? context.active())
    if (correlation === undefined) return
    for (const [name, value] of Object.entries(correlation.fields ?? {})) record.setAttribute(name, value)
    record.setAttribute('correlation.id', correlation.id)
    if (correlation.user !== undefined) record.setAttribute('user.id', correlation.user)
  },
  /** Lets loggers skip what nobody takes: this processor takes nothing itself. */
  enabled: (): boolean => false,
  forceFlush: (): Promise<void> => Promise.resolve(),
  shutdown: (): Promise<void> => Promise.resolve(),
}
