import { isPromise } from 'node:util/types'
import { release } from '../abandoned.js'
import { steadyMs } from '../clock.js'
import { describeFailure } from '../failure.js'
import { notice } from '../notice.js'
import type { Operation } from '../operation.js'
import type { Runtime } from '../runtime.js'
import type { Site } from './site.js'
import type { Call } from './types.js'

/** The column holds 512 bytes; a longer text is no identifier. */
const MAX_USER = 512

/** The end of a call: the extractors, then the SDK. Nothing in here can reach the caller. */
export function finish(
  runtime: Runtime,
  site: Site,
  operation: Operation,
  call: Call,
  failed: boolean,
): void {
  if (operation.ended) return
  release(operation)
  try {
    operation.durationMs = steadyMs() - operation.startSteadyMs
    if (failed) {
      operation.outcome = 'failure'
      operation.failure = describeFailure(call.error)
    }
    extract(site, operation, call, failed)
    operation.ended = true
    runtime.end(operation)
    if (operation.outcome === 'failure') runtime.failed?.(operation, site.options.logger)
  } catch (problem) {
    operation.ended = true
    notice('internal_error', `end of ${operation.names.spanName}`, problem)
  }
}

function extract(site: Site, operation: Operation, call: Call, failed: boolean): void {
  const { user, metadata, success } = site.options
  if (user !== undefined) {
    const value = guard(operation, 'user', user, call)
    if (typeof value === 'string') operation.userId = value.slice(0, MAX_USER)
    else if (typeof value === 'number' || typeof value === 'bigint') operation.userId = String(value)
  }
  if (metadata !== undefined) {
    // Read inside the guard as well: a getter of what it answers may throw. What the code set itself wins.
    guard(operation, 'metadata', (ended) => merge(operation, metadata(ended)), call)
  }
  if (success !== undefined && !failed) {
    if (guard(operation, 'success', success, call) === false) operation.outcome = 'failure'
  }
}

function merge(operation: Operation, value: unknown): unknown {
  if (value === undefined || value === null || isThenable(value)) return value
  if (typeof value !== 'object') throw new TypeError(`it returned a ${typeof value}`)
  const entries = value instanceof Map ? Object.fromEntries(value) : value
  operation.metadata = { ...entries, ...operation.metadata }
  return undefined
}

function guard<T>(
  operation: Operation,
  which: string,
  extractor: (call: Call) => T,
  call: Call,
): T | undefined {
  try {
    const value = extractor(call)
    if (!isThenable(value)) return value
    // Its rejection would otherwise end the process as unhandled: we asked for the value, so we take the blame.
    // Only a real promise can do that; a lazy thenable must not be run.
    if (isPromise(value)) Reflect.apply(Promise.prototype.then, value, [undefined, () => {}])
    notice('extraction_failed', `${which} of ${operation.names.spanName}`, 'it returned a promise')
  } catch (problem) {
    notice('extraction_failed', `${which} of ${operation.names.spanName}`, problem)
  }
  return undefined
}

function isThenable(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}
