import { context } from '@opentelemetry/api'
import { slot } from '../../runtime.js'
import { tryBegin } from '../begin.js'
import { fail, outlive, type Running, succeed } from '../running.js'
import { hasMethod, lookUp, override } from './properties.js'
import { restart } from './restart.js'

/** What the promises of libraries are asked with; a query builder has neither. */
const EAGER = ['isPending', 'isFulfilled']

/**
 * A thenable that is no promise: the same object with a `then` of its own. It is never executed by us. Of a query builder (knex, drizzle)
 * each `then` is an execution and so an operation: the first is the call's own, timed from here. The promise of a library (Bluebird)
 * runs already: its first `then` tells its end.
 */
export function observeThenable(running: Running, thenable: object): boolean {
  const descriptor = lookUp(thenable, 'then')
  const eager = EAGER.some((name) => hasMethod(thenable, name))
  let calls = 0

  function then(this: unknown, original: Then, handlers: unknown[]): unknown {
    if (this !== thenable) return Reflect.apply(original, this, handlers)
    calls += 1
    if (calls === 1 && !eager) restart(running.operation)
    const next = calls === 1 ? running : eager ? undefined : again(running)
    return next === undefined
      ? Reflect.apply(original, thenable, handlers)
      : execute(next, original, thenable, handlers)
  }

  const observed = (original: Then) =>
    function (this: unknown, ...handlers: unknown[]): unknown {
      return Reflect.apply(then, this, [original, handlers])
    }
  const given: unknown = descriptor?.value
  const get = descriptor?.get
  const done =
    typeof given === 'function'
      ? override(thenable, 'then', observed(given as Then))
      : get !== undefined &&
        Reflect.defineProperty(thenable, 'then', {
          configurable: true,
          enumerable: false,
          get(this: unknown) {
            const value: unknown = Reflect.apply(get, this, [])
            return typeof value === 'function' ? observed(value as Then) : value
          },
        })
  if (done) outlive(running, thenable)
  return done
}

type Then = (...handlers: unknown[]) => unknown

/** A further execution is an operation of its own, where it is executed. */
function again({ site, args, self }: Running): Running | undefined {
  const { runtime } = slot
  const begun = runtime === undefined ? undefined : tryBegin(runtime, site, self)
  return runtime === undefined || begun === undefined ? undefined : { runtime, site, args, self, ...begun }
}

/** Its handlers are the caller's: they see the same values, in the caller's context. */
function execute(running: Running, original: Then, thenable: object, handlers: unknown[]): unknown {
  const [onValue, onReason, ...more] = handlers
  const outer = context.active()
  const settled = [
    (value: unknown): unknown => {
      succeed(running, value)
      return typeof onValue === 'function' ? context.with(outer, () => onValue(value) as unknown) : value
    },
    (reason: unknown): unknown => {
      fail(running, reason)
      if (typeof onReason !== 'function') throw reason
      return context.with(outer, () => onReason(reason) as unknown)
    },
    ...more,
  ]
  try {
    return context.with(running.inside, () => Reflect.apply(original, thenable, settled))
  } catch (error) {
    fail(running, error)
    throw error
  }
}
