import type { FailureLogger, Operation } from '@throughline/core/runtime'
import type { Notices } from './notices.js'

/** The one log line of a failed operation: enough to find its trace, its row and every other line of the request. */
export function logFailure(logger: FailureLogger, operation: Operation, notices: Notices): void {
  const { failure, names } = operation
  const fields: Record<string, unknown> = {
    correlation_id: operation.correlationId,
    trace_id: operation.traceId,
    span_id: operation.spanId,
    operation: names.spanName,
    duration_ms: operation.durationMs,
  }
  if (operation.userId !== undefined) fields.user_id = operation.userId
  if (failure !== undefined) {
    fields.error_type = failure.type
    fields.error_message = failure.message
    if (failure.stack !== undefined) fields.error_stack = failure.stack
  }
  try {
    logger.error(
      fields,
      failure === undefined ? `${names.spanName} failed` : `${names.spanName} failed: ${failure.message}`,
    )
  } catch (problem) {
    notices.note(
      'internal_error',
      `the logger threw: ${problem instanceof Error ? problem.message : typeof problem}`,
    )
  }
}
