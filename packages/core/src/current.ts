import { context } from '@opentelemetry/api'
import { operationOf } from './operation-context.js'
import type { SealedOperation } from './sealed-operation.js'

/** What user code may do with the operation it runs in. */
export interface CurrentOperation {
  readonly correlationId: string
  /** 32 hex digits. */
  readonly traceId: string
  /** 16 hex digits. */
  readonly spanId: string
  /** Adds metadata to the operation's record and span: scalars as they are, nested values as JSON; secret keys are hidden. */
  set(metadata: Record<string, unknown>): void
  /**
   * For `recordIn`, which puts the record into the caller's own transaction: closes it and gives it away as it is now. Whatever is set or
   * measured later is refused and counted (`operation_sealed`). Undefined when there is nothing to give: closed before, ended, or no record.
   */
  seal(): SealedOperation | undefined
}

/** The innermost tracked operation that this code runs in; undefined outside of one or without an SDK. */
export function currentOperation(): CurrentOperation | undefined {
  return operationOf(context.active())
}
