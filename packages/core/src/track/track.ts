import { type AnyClass, isClass, skipFunction, skipKey, trackClass } from './class.js'
import { functionSite, methodSite } from './site.js'
import type { AnyFunction, Track, TrackOptions, TrackSkip } from './types.js'
import { wrap } from './wrap.js'

/**
 * Tracks a function: every call becomes a span, metrics with exemplars and one durable row, under one correlation ID.
 * Without an SDK the function is called as it is.
 *
 * @example
 * const charge = track('Billing.charge', async (order: Order) => gateway.charge(order))
 *
 * class Allocations {
 *   \@track({ user: (call) => call.args[0].userId })
 *   async allocate(order: Order) {}
 * }
 */
export const track: Track = Object.assign(trackAny, { skip: skip as TrackSkip }) as Track

function trackAny(...args: unknown[]): unknown {
  const [first, second, third] = args
  if (isDecoratorContext(second) && second.kind !== 'method' && second.kind !== 'class')
    throw new TypeError(notAMethod(second.name))
  // First of all: a static method under legacy decorators has a class as its target.
  if (isKey(second) && isDescriptor(third)) return decorateDescriptor(second, third, {})
  if (typeof first === 'function') {
    if (isMethodContext(second)) return decorateMethod(first as AnyFunction, second.name, {})
    if (isClass(first as AnyFunction))
      return trackClass(first as unknown as AnyClass, isDecoratorContext(second) ? {} : checked(second))
    return wrap(first as AnyFunction, functionSite(first.name, checked(second)))
  }
  if (typeof first === 'string') {
    if (typeof second !== 'function')
      throw new TypeError(`track('${first}', …) needs a function as its second argument`)
    return wrap(second as AnyFunction, functionSite(first, checked(third)))
  }
  if (args.length > 1) throw new TypeError(notAMethod(second))
  return decorator(checked(first))
}

function skip(target: unknown, key: unknown, descriptor?: unknown): void {
  if (isMethodContext(key)) skipFunction(target as AnyFunction)
  else if (isKey(key) && isDescriptor(descriptor)) skipKey(target as object, key)
  else throw new TypeError('@track.skip stands on methods')
}

function decorator(options: TrackOptions): unknown {
  return (target: unknown, key?: unknown, descriptor?: unknown): unknown => {
    if (typeof target === 'function' && isClass(target as AnyFunction) && isClassContext(key))
      return trackClass(target as unknown as AnyClass, options)
    if (isMethodContext(key)) return decorateMethod(target as AnyFunction, key.name, options)
    if (isDescriptor(descriptor)) return decorateDescriptor(key as string | symbol, descriptor, options)
    throw new TypeError(notAMethod(isDecoratorContext(key) ? key.name : key))
  }
}

function decorateMethod(method: AnyFunction, name: string | symbol, options: TrackOptions): AnyFunction {
  return wrap(method, methodSite(label(name), options))
}

function decorateDescriptor(
  key: string | symbol,
  descriptor: PropertyDescriptor,
  options: TrackOptions,
): PropertyDescriptor {
  if (typeof descriptor.value !== 'function') throw new TypeError(notAMethod(key))
  return { ...descriptor, value: wrap(descriptor.value as AnyFunction, methodSite(label(key), options)) }
}

function label(name: string | symbol): string {
  return typeof name === 'symbol' ? (name.description ?? 'symbol') : name.replace(/^#/, '')
}

function notAMethod(name: unknown): string {
  const shown = typeof name === 'string' || typeof name === 'symbol' ? label(name) : 'this'
  return `@track stands on methods and classes; ${shown} is neither`
}

function isKey(value: unknown): value is string | symbol {
  return typeof value === 'string' || typeof value === 'symbol'
}

/** A legacy decorator of a class is called with the class alone. */
function isClassContext(value: unknown): boolean {
  return value === undefined || (isDecoratorContext(value) && value.kind === 'class')
}

function isMethodContext(value: unknown): value is ClassMethodDecoratorContext {
  return isDecoratorContext(value) && value.kind === 'method'
}

function isDecoratorContext(value: unknown): value is DecoratorContext {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { kind?: unknown }).kind === 'string' &&
    'addInitializer' in value
  )
}

function isDescriptor(value: unknown): value is PropertyDescriptor {
  return typeof value === 'object' && value !== null && ('value' in value || 'get' in value)
}

/** Options are checked where they are written, so that no call ever meets a wrong one. */
function checked(options: unknown): TrackOptions {
  if (options === undefined) return {}
  if (typeof options !== 'object' || options === null) throw new TypeError('track: options are an object')
  const given = options as TrackOptions
  for (const key of ['user', 'metadata', 'success'] as const) {
    const value = given[key]
    if (value !== undefined && typeof value !== 'function')
      throw new TypeError(`track: option ${key} is a function of the call`)
  }
  for (const key of ['record', 'span'] as const) {
    if (given[key] !== undefined && typeof given[key] !== 'boolean')
      throw new TypeError(`track: option ${key} is true or false`)
  }
  if (given.callback !== undefined && given.callback !== true && given.callback !== 'last')
    throw new TypeError("track: option callback is true or 'last'")
  if (given.logger !== undefined && given.logger !== false && typeof given.logger?.error !== 'function')
    throw new TypeError('track: option logger has a method error, or is false')
  for (const key of ['name', 'service'] as const) {
    const value = given[key]
    if (value !== undefined && (typeof value !== 'string' || value === ''))
      throw new TypeError(`track: option ${key} is a non-empty string`)
  }
  return given
}
