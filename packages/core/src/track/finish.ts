import { steadyMs } from '../clock.js'
import { describeFailure } from '../failure.js'
import type { Operation } from '../operation.js'
import type { Runtime } from '../runtime.js'
import type { Site } from './site.js'
import type { Call } from './types.js'

/** The end of a call: the extractors, then the SDK. Nothing in here can reach the caller. */
export function finish(
  runtime: Runtime,
  site: Site,
  operation: Operation,
  call: Call,
  failed: boolean,
): void {
  if (operation.ended) return
  try {
    operation.durationMs = steadyMs() - operation.startSteadyMs
    if (failed) {
      operation.outcome = 'failure'
      operation.failure = describeFailure(call.error)
    }
    extract(runtime, site, operation, call, failed)
    operation.ended = true
    runtime.end(operation)
  } catch (problem) {
    operation.ended = true
    note(runtime, 'internal_error', `end of ${operation.names.spanName}`, problem)
  }
}

function extract(runtime: Runtime, site: Site, operation: Operation, call: Call, failed: boolean): void {
  const { user, metadata, success } = site.options
  if (user !== undefined) {
    const value = guard(runtime, operation, 'user', user, call)
    if (typeof value === 'string' || typeof value === 'number') operation.userId = String(value)
  }
  if (metadata !== undefined) {
    const value = guard(runtime, operation, 'metadata', metadata, call)
    if (typeof value === 'object' && value !== null) operation.metadata = { ...value, ...operation.metadata }
  }
  if (success !== undefined && !failed) {
    if (guard(runtime, operation, 'success', success, call) === false) operation.outcome = 'failure'
  }
}

function guard<T>(
  runtime: Runtime,
  operation: Operation,
  which: string,
  extractor: (call: Call) => T,
  call: Call,
): T | undefined {
  try {
    const value = extractor(call)
    if (!isThenable(value)) return value
    // Its rejection would otherwise end the process as unhandled: we asked for the value, so we take the blame.
    void Promise.resolve(value).catch(() => {})
    note(runtime, 'extraction_failed', `${which} of ${operation.names.spanName}`, 'it returned a promise')
  } catch (problem) {
    note(runtime, 'extraction_failed', `${which} of ${operation.names.spanName}`, problem)
  }
  return undefined
}

function isThenable(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}

function note(
  runtime: Runtime,
  reason: 'extraction_failed' | 'internal_error',
  where: string,
  problem: unknown,
): void {
  try {
    const why = typeof problem === 'string' ? problem : describeFailure(problem).message
    runtime.notice(reason, `${where}: ${why.slice(0, 200)}`)
  } catch {
    // The SDK cannot even be told; the call goes on all the same.
  }
}
