import type { AnyFunction } from './types.js'

/** Gives a wrapper name, length, own properties (frameworks hang metadata on functions) and prototype of the original. */
export function disguise<F extends AnyFunction>(wrapper: F, fn: F): F {
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
