import { context } from '@opentelemetry/api'
import { operationOf } from './operation-context.js'

/** What user code may do with the operation it runs in. */
export interface CurrentOperation {
  readonly correlationId: string
  /** 32 hex digits. */
  readonly traceId: string
  /** 16 hex digits. */
  readonly spanId: string
  /** Adds metadata to the operation's record and span: scalars as they are, nested values as JSON; secret keys are hidden. */
  set(metadata: Record<string, unknown>): void
}

/** The innermost tracked operation that this code runs in; undefined outside of one or without an SDK. */
export function currentOperation(): CurrentOperation | undefined {
  return operationOf(context.active())
}
