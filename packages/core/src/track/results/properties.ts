/** The descriptor that `object[key]` leads to; nothing of the object is run. */
export function lookUp(object: object, key: PropertyKey): PropertyDescriptor | undefined {
  for (let at: object | null = object; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const descriptor = Object.getOwnPropertyDescriptor(at, key)
    if (descriptor !== undefined) return descriptor
  }
  return undefined
}

/** Whether `object[key]` is a method, without running a getter for it. */
export function hasMethod(object: object, key: PropertyKey): boolean {
  return key in object && typeof lookUp(object, key)?.value === 'function'
}

/**
 * Puts an own method over an inherited one: not enumerable, so that copies, comparisons and printing do not see it. False when the
 * object does not allow it.
 */
export function override(object: object, key: PropertyKey, value: unknown): boolean {
  return Reflect.defineProperty(object, key, { value, configurable: true, writable: true, enumerable: false })
}
