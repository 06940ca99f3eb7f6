import { methodSite } from './site.js'
import type { AnyFunction, TrackOptions } from './types.js'
import { isTracked, wrap } from './wrap.js'

export type AnyClass = abstract new (...args: never[]) => unknown

/** By function and, for legacy decorators, by place: another decorator may put a function of its own over the one that is skipped. */
const skipped = new WeakSet<AnyFunction>()
const skippedKeys = new WeakMap<object, Set<string | symbol>>()

export function skipFunction(fn: AnyFunction): void {
  skipped.add(fn)
}

export function skipKey(owner: object, key: string | symbol): void {
  let keys = skippedKeys.get(owner)
  if (keys === undefined) {
    keys = new Set()
    skippedKeys.set(owner, keys)
  }
  keys.add(key)
}

/** Written as a class: its `prototype` cannot be replaced, that of a function can. */
export function isClass(value: AnyFunction): boolean {
  return Object.getOwnPropertyDescriptor(value, 'prototype')?.writable === false
}

/**
 * Tracks the methods that a class declares, static ones too. Left alone: inherited and private ones, accessors, symbols, functions in
 * fields, what is tracked already, and what is skipped.
 */
export function trackClass(target: AnyClass, options: TrackOptions): void {
  if (options.name !== undefined)
    throw new TypeError(`track: option name is for one method; for all of class ${target.name} use service`)
  trackMethods(target.prototype as object, options)
  trackMethods(target, options)
}

function trackMethods(owner: object, options: TrackOptions): void {
  const skip = skippedKeys.get(owner)
  for (const key of Object.getOwnPropertyNames(owner)) {
    const descriptor = Object.getOwnPropertyDescriptor(owner, key)
    const method: unknown = descriptor?.value
    // Methods are not enumerable; a field with a function, or with another class, is.
    if (typeof method !== 'function' || descriptor?.enumerable || !descriptor?.configurable) continue
    if (key === 'constructor' || isClass(method as AnyFunction)) continue
    if (skip?.has(key) || skipped.has(method as AnyFunction) || isTracked(method as AnyFunction)) continue
    Object.defineProperty(owner, key, {
      ...descriptor,
      value: wrap(method as AnyFunction, methodSite(key, options)),
    })
  }
}
