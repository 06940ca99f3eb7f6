import type { OperationNames } from '../operation.js'
import type { AnyFunction, TrackOptions } from './types.js'

/** One tracked function: its options and the names of its operations. */
export interface Site {
  readonly options: TrackOptions
  /** Results that last and have been returned: one that comes again is not watched twice. */
  readonly seen: WeakSet<object>
  /** The names of a call with this `this`. */
  names(self: unknown): OperationNames
}

/** A function outside of any class: its names never change. */
export function functionSite(name: string, options: TrackOptions): Site {
  const names = splitName(options.name ?? name, options.service)
  return { options, seen: new WeakSet(), names: () => names }
}

/**
 * A method: the class is only known from `this` at call time (a decorator of today never sees it), and may differ by subclass.
 * A class is weakly held, so classes made at run time can go.
 */
export function methodSite(method: string, options: TrackOptions): Site {
  if (options.name !== undefined) return functionSite(method, options)
  const byClass = new WeakMap<AnyFunction, OperationNames>()
  const withoutClass = splitName(method, options.service)
  return {
    options,
    seen: new WeakSet(),
    names(self) {
      const owner = classOf(self)
      if (owner === undefined) return withoutClass
      let names = byClass.get(owner)
      if (names === undefined) {
        // A class may have a static `name` of its own, of any kind.
        const service = options.service ?? (typeof owner.name === 'string' ? owner.name : '')
        names = {
          service: service || undefined,
          operation: method,
          spanName: service ? `${service}.${method}` : method,
        }
        byClass.set(owner, names)
      }
      return names
    },
  }
}

function classOf(self: unknown): AnyFunction | undefined {
  if (typeof self === 'function') return self as AnyFunction
  if (typeof self !== 'object' || self === null) return undefined
  const owner: unknown = (self as { constructor?: unknown }).constructor
  return typeof owner === 'function' && owner !== Object ? (owner as AnyFunction) : undefined
}

/** `Billing.charge` is the service `Billing` and the operation `charge`; without a dot the service is `service.name`. */
function splitName(name: string, service?: string): OperationNames {
  const dot = name.lastIndexOf('.')
  const operation = (dot < 0 ? name : name.slice(dot + 1)) || 'anonymous'
  const owner = service ?? (dot > 0 ? name.slice(0, dot) : undefined)
  return { service: owner, operation, spanName: owner === undefined ? operation : `${owner}.${operation}` }
}
