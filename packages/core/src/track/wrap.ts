import { context } from '@opentelemetry/api'
import { notice } from '../notice.js'
import { type Runtime, slot } from '../runtime.js'
import { type Begun, begin } from './begin.js'
import { finish } from './finish.js'
import type { Site } from './site.js'
import type { AnyFunction } from './types.js'

/** The intrinsic: a `then` that someone patched onto one promise is theirs, not ours to run twice. */
const then = Promise.prototype.then

/** A function that behaves as `fn` in all a caller can see, and is observed when an SDK is there. */
export function wrap<F extends AnyFunction>(fn: F, site: Site): F {
  const wrapper = function (this: unknown, ...args: unknown[]): unknown {
    if (new.target !== undefined) return Reflect.construct(fn, args, new.target === wrapper ? fn : new.target)
    const runtime = slot.runtime
    if (runtime === undefined) return Reflect.apply(fn, this, args)
    const begun = tryBegin(runtime, site, this)
    if (begun === undefined) return Reflect.apply(fn, this, args)
    return observe(runtime, site, begun, fn, this, args)
  }
  return disguise(wrapper as unknown as F, fn)
}

function tryBegin(runtime: Runtime, site: Site, self: unknown): Begun | undefined {
  try {
    return begin(runtime, site, self)
  } catch (problem) {
    notice('internal_error', 'start of an operation', problem)
    return undefined
  }
}

function observe(
  runtime: Runtime,
  site: Site,
  begun: Begun,
  fn: AnyFunction,
  self: unknown,
  args: unknown[],
): unknown {
  const { operation, inside } = begun
  let result: unknown
  try {
    // A closure and not `with`'s own `thisArg`: context managers turn a `this` of null into undefined.
    result = context.with(inside, () => Reflect.apply(fn, self, args))
  } catch (error) {
    finish(runtime, site, operation, { args, self, error }, true)
    throw error
  }
  if (!(result instanceof Promise)) {
    finish(runtime, site, operation, { args, self, result }, false)
    return result
  }
  const onValue = (value: unknown): unknown => {
    finish(runtime, site, operation, { args, self, result: value }, false)
    return value
  }
  const onError = (error: unknown): void => finish(runtime, site, operation, { args, self, error }, true)
  if (result.constructor === Promise && Object.getOwnPropertyNames(result).length === 0) {
    // A derived promise: the record is written before any reaction of the caller runs, and a rejection that nobody handles stays unhandled.
    return Reflect.apply(then, result, [
      onValue,
      (error: unknown): never => {
        onError(error)
        throw error
      },
    ])
  }
  // A subclass, or a promise that someone hung properties on, is more than its value: the same object goes back, observed.
  Reflect.apply(then, result, [onValue, onError])
  return result
}

/** Name, length, own properties (frameworks hang metadata on functions) and prototype of the original. */
function disguise<F extends AnyFunction>(wrapper: F, fn: F): F {
  for (const key of Reflect.ownKeys(fn)) {
    if (key === 'arguments' || key === 'caller') continue
    const descriptor = Object.getOwnPropertyDescriptor(fn, key)
    if (descriptor !== undefined)
      Reflect.defineProperty(wrapper, key, key === 'prototype' ? { value: descriptor.value } : descriptor)
  }
  const prototype: unknown = Object.getPrototypeOf(fn)
  // An async function is known by its prototype (`fn.constructor.name`), a class that extends another inherits its statics by it.
  if (prototype !== Function.prototype) Reflect.setPrototypeOf(wrapper, prototype as object | null)
  copyReflectMetadata(fn, wrapper)
  return wrapper
}

/** `reflect-metadata` keeps its entries beside the function: NestJS stores a route there. */
function copyReflectMetadata(from: AnyFunction, to: AnyFunction): void {
  const reflect = Reflect as {
    getOwnMetadataKeys?: (target: object) => unknown[]
    getOwnMetadata?: (key: unknown, target: object) => unknown
    defineMetadata?: (key: unknown, value: unknown, target: object) => void
  }
  if (!reflect.getOwnMetadataKeys || !reflect.getOwnMetadata || !reflect.defineMetadata) return
  for (const key of reflect.getOwnMetadataKeys(from)) {
    reflect.defineMetadata(key, reflect.getOwnMetadata(key, from), to)
  }
}
