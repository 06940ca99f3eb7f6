import { isPromise } from 'node:util/types'
import { context } from '@opentelemetry/api'
import { slot } from '../runtime.js'
import { tryBegin } from './begin.js'
import { disguise } from './disguise.js'
import { finish } from './finish.js'
import { callWithCallback } from './results/callback.js'
import { isPlain, observeResult } from './results/observe.js'
import { derive, isNative } from './results/promise.js'
import { type Running, succeed } from './running.js'
import type { Site } from './site.js'
import type { AnyFunction } from './types.js'

/** What has been made by `wrap`: a class that is tracked as a whole leaves such methods as they are. */
const wrappers = new WeakSet<AnyFunction>()

export function isTracked(fn: AnyFunction): boolean {
  return wrappers.has(fn)
}

/** A function that behaves as `fn` in all a caller can see, and is observed when an SDK is there. */
export function wrap<F extends AnyFunction>(fn: F, site: Site): F {
  const wrapper = function (this: unknown, ...args: unknown[]): unknown {
    if (new.target !== undefined) return Reflect.construct(fn, args, new.target === wrapper ? fn : new.target)
    const runtime = slot.runtime
    if (runtime === undefined) return Reflect.apply(fn, this, args)
    const begun = tryBegin(runtime, site, this)
    if (begun === undefined) return Reflect.apply(fn, this, args)
    const running: Running = {
      runtime,
      site,
      args,
      self: this,
      operation: begun.operation,
      inside: begun.inside,
    }
    if (site.options.callback !== undefined && typeof args.at(-1) === 'function')
      return callWithCallback(running, fn)
    return observe(running, fn, begun.direct)
  }
  wrappers.add(wrapper)
  return disguise(wrapper as unknown as F, fn)
}

function observe(running: Running, fn: AnyFunction, direct: boolean): unknown {
  const { args, self } = running
  let result: unknown
  try {
    // A closure and not `with`'s own `thisArg`: context managers turn a `this` of null into undefined.
    result = direct
      ? Reflect.apply(fn, self, args)
      : context.with(running.inside, () => Reflect.apply(fn, self, args))
  } catch (error) {
    finish(running.runtime, running.site, running.operation, { args, self, error }, true)
    throw error
  }
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
