import { context } from '@opentelemetry/api'
import { list } from '../../abandoned.js'
import { fail, outlive, type Running, succeed } from '../running.js'
import { inContext } from './callers-context.js'
import { lookUp, override } from './properties.js'
import { restart } from './restart.js'

/** The intrinsic: a `then` that someone patched onto one promise is theirs, not ours to run twice. */
const { then } = Promise.prototype

/** Promises that are observed already, by another tracked function that handed them on: how to tell that observer to keep still. */
const observers = new WeakMap<Promise<unknown>, () => void>()

/** A plain promise: nothing but its value can be seen of it. */
export function isNative(promise: Promise<unknown>): boolean {
  return promise.constructor === Promise && Object.getOwnPropertyNames(promise).length === 0
}

/**
 * A derived promise. The record is written before any reaction of the caller runs, and a rejection that nobody handles stays
 * unhandled: merely observing the original would count as handling it.
 */
export function derive(
  running: Running,
  promise: Promise<unknown>,
  onValue: (running: Running, value: unknown) => void,
): Promise<unknown> {
  list(running.operation)
  return Reflect.apply(then, promise, [
    (value: unknown): unknown => {
      onValue(running, value)
      return value
    },
    (error: unknown): never => {
      fail(running, error)
      throw error
    },
  ]) as Promise<unknown>
}

/**
 * A promise that is more than its value, of a subclass or with properties of its own: the same object, observed.
 *
 * Observing counts as handling. So our observer rejects again, and is handled itself as soon as somebody takes notice of the promise:
 * a subclass is always asked for its `then`, any other for its `constructor`. A rejection that nobody sees is thus reported as ever.
 * If `then` is overridden the promise may be lazy (postgres.js): the operation begins when it is first called.
 */
export function observePromise(running: Running, promise: Promise<unknown>): boolean {
  observers.get(promise)?.()
  let noticed = !Object.isExtensible(promise)
  let observer: Promise<unknown> | undefined
  const settled = [
    (value: unknown): void => succeed(running, value),
    (error: unknown): void => {
      fail(running, error)
      if (!noticed) throw error
    },
  ]
  observer = withoutSpecies(promise, () => Reflect.apply(then, promise, settled) as Promise<unknown>)
  function notice(): void {
    if (noticed) return
    noticed = true
    Reflect.apply(then, observer, [undefined, () => {}])
  }
  observers.set(promise, notice)
  if (promise.constructor === Promise) {
    Reflect.defineProperty(promise, 'constructor', {
      configurable: true,
      enumerable: false,
      get() {
        notice()
        return Promise
      },
      set(value: unknown) {
        override(promise, 'constructor', value)
      },
    })
  } else {
    const original = lookUp(promise, 'then')?.value as typeof then
    const lazy = original !== then
    let begun = false
    override(promise, 'then', function (this: Promise<unknown>, ...handlers: unknown[]) {
      notice()
      if (!lazy || begun || this !== promise) return Reflect.apply(original, this, handlers)
      begun = true
      restart(running.operation)
      const outer = context.active()
      const own = handlers.map((one) =>
        typeof one === 'function' ? inContext(outer, one as () => unknown) : one,
      )
      return context.with(running.inside, () => Reflect.apply(original, this, own))
    })
  }
  outlive(running, promise)
  return true
}

/** The intrinsic `then` would make its answer by the constructor of a subclass, which may count its instances, or refuse. */
function withoutSpecies<T>(promise: Promise<unknown>, act: () => T): T {
  if (Object.hasOwn(promise, 'constructor') || !override(promise, 'constructor', undefined)) return act()
  try {
    return act()
  } finally {
    Reflect.deleteProperty(promise, 'constructor')
  }
}
