import { isPromise } from 'node:util/types'
import { context } from '@opentelemetry/api'
import { withoutSdk } from '../missing.js'
import { notice } from '../notice.js'
import { type Runtime, slot } from '../runtime.js'
import { tryBegin } from './begin.js'
import { disguise } from './disguise.js'
import { callWithCallback } from './results/callback.js'
import { isPlain, observeResult } from './results/observe.js'
import { derive, isNative } from './results/promise.js'
import { fail, type Running, succeed } from './running.js'
import type { Site } from './site.js'
import type { AnyFunction } from './types.js'

const { apply } = Reflect

/** What has been made by `wrap`: a class that is tracked as a whole leaves such methods as they are. */
const wrappers = new WeakSet<AnyFunction>()

export function isTracked(fn: AnyFunction): boolean {
  return wrappers.has(fn)
}

/** An open call. */
interface Opened extends Running {
  /** Whether the function may be called right here, in the context that is active now. */
  readonly here: boolean
  /** What goes back to the context outside, when `here` has left it. */
  readonly entered: { dispose(): void } | undefined
}

/**
 * A function that behaves as `fn` in all a caller can see, and is observed when an SDK is there.
 *
 * Between caller and `fn` stands this one frame, of as few registers as can be: what comes before and after has left the stack when `fn`
 * runs. A recursion reaches four times the depth that it would with a closure in `context.with`.
 */
export function wrap<F extends AnyFunction>(fn: F, site: Site): F {
  const wrapper = function (this: unknown, ...args: unknown[]): unknown {
    if (new.target !== undefined) return Reflect.construct(fn, args, new.target === wrapper ? fn : new.target)
    const opened = slot.runtime === undefined ? withoutSdk(site) : open(slot.runtime, site, this, args)
    if (opened === undefined) return apply(fn, this, args)
    if (!opened.here) return callInside(opened, fn)
    let result: unknown
    try {
      result = apply(fn, this, args)
    } catch (error) {
      leave(opened)
      fail(opened, error)
      throw error
    }
    leave(opened)
    return observe(opened, result)
  }
  wrappers.add(wrapper)
  return disguise(wrapper as unknown as F, fn)
}

function open(runtime: Runtime, site: Site, self: unknown, args: unknown[]): Opened | undefined {
  const begun = tryBegin(runtime, site, self)
  if (begun === undefined) return undefined
  const { operation, inside, direct } = begun
  const calledBack = site.options.callback !== undefined && typeof args.at(-1) === 'function'
  const entered = direct || calledBack ? undefined : enter(runtime, operation.names.spanName, inside)
  const here = !calledBack && (direct || entered !== undefined)
  return { runtime, site, args, self, operation, inside, here, entered }
}

/** Undefined where the context manager is not the SDK's own: some do more in `with` than to set a context. */
function enter(runtime: Runtime, what: string, inside: Running['inside']): Opened['entered'] {
  try {
    return runtime.enterContext?.(inside)
  } catch (problem) {
    notice('internal_error', `context of ${what}`, problem)
    return undefined
  }
}

function leave({ entered, operation }: Opened): void {
  try {
    entered?.dispose()
  } catch (problem) {
    notice('internal_error', `context of ${operation.names.spanName}`, problem)
  }
}

function callInside(opened: Opened, fn: AnyFunction): unknown {
  const { args, self, inside, site } = opened
  if (site.options.callback !== undefined && typeof args.at(-1) === 'function')
    return callWithCallback(opened, fn)
  let result: unknown
  try {
    // A closure and not `with`'s own `thisArg`: context managers turn a `this` of null into undefined.
    result = context.with(inside, () => apply(fn, self, args))
  } catch (error) {
    fail(opened, error)
    throw error
  }
  return observe(opened, result)
}

function observe(running: Running, result: unknown): unknown {
  if ((typeof result === 'object' && result !== null) || typeof result === 'function') {
    if (isPromise(result)) {
      if (isNative(result)) return derive(running, result, settle)
      if (observeResult(running, result, false)) return result
    } else if (!isPlain(result) && observeResult(running, result, false)) return result
  }
  succeed(running, result)
  return result
}

/** A promise has its value; that may be a stream or a generator, which is not there yet. */
function settle(running: Running, value: unknown): void {
  if (typeof value === 'object' && value !== null && !isPlain(value) && observeResult(running, value, true))
    return
  succeed(running, value)
}
