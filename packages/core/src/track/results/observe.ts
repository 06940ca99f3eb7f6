import { isPromise, isProxy } from 'node:util/types'
import { notice } from '../../notice.js'
import type { Running } from '../running.js'
import { isGenerator, observeGenerator } from './generator.js'
import { isNodeStream, observeNodeStream } from './node-stream.js'
import { observePromise } from './promise.js'
import { lookUp } from './properties.js'
import { isResponse, observeResponse } from './response.js'
import { observeThenable } from './thenable.js'
import { isWebStream, observeWebStream } from './web-stream.js'

/**
 * Whether an object is the whole result, and nothing is still to come of it: arrays and object literals, asked cheaply. A Proxy counts as
 * such: to look into it would run its traps.
 */
export function isPlain(value: object): boolean {
  if (Array.isArray(value) || isProxy(value)) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype === Object.prototype || prototype === null) && !('then' in value || 'next' in value)
}

/**
 * Watches a result that is still to come, or to be consumed. False when it is a value after all: also the call's own `this` (a method
 * that can be chained), and an object that this site has returned before, which is watched already if at all.
 */
export function observeResult(running: Running, result: object, settled: boolean): boolean {
  try {
    if (result === running.self) return false
    const observe = observerOf(result, settled)
    if (observe === undefined) return false
    const { seen } = running.site
    if (seen.has(result)) return false
    seen.add(result)
    return observe(running)
  } catch (problem) {
    notice('internal_error', `result of ${running.operation.names.spanName}`, problem)
    return running.operation.listed
  }
}

function observerOf(value: object, settled: boolean): ((running: Running) => boolean) | undefined {
  if (isPromise(value)) return settled ? undefined : (running) => observePromise(running, value)
  if (!settled && isThenable(value)) return (running) => observeThenable(running, value)
  if (isGenerator(value)) return (running) => observeGenerator(running, value)
  if (isNodeStream(value)) return (running) => observeNodeStream(running, value)
  if (isWebStream(value)) return (running) => observeWebStream(running, value)
  if (isResponse(value)) return (running) => observeResponse(running, value)
  return undefined
}

function isThenable(value: object): boolean {
  if (!('then' in value)) return false
  const descriptor = lookUp(value, 'then')
  return typeof descriptor?.value === 'function' || descriptor?.get !== undefined
}
