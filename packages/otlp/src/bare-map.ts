import type { Attributes } from './types.js'

class BareMap {}
Reflect.deleteProperty(BareMap.prototype, 'constructor')
Object.setPrototypeOf(BareMap.prototype, null)

/**
 * A map that inherits nothing, for keys of strangers: `__proto__` is only a key, and no key is found that was not put in.
 * `Object.create(null)` does that too, but V8 makes it a hash table: 472 bytes with ten entries, where this takes 104.
 */
export function bareMap(): Attributes {
  return new BareMap() as Attributes
}
