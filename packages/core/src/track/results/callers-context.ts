import { type Context, context } from '@opentelemetry/api'

/** A handler of the caller's: it runs where it was given, and not inside the operation that calls it. */
export function inContext<A extends unknown[], R>(
  outer: Context,
  handler: (this: unknown, ...args: A) => R,
): (this: unknown, ...args: A) => R {
  return function (this: unknown, ...args: A): R {
    return context.with(outer, () => Reflect.apply(handler, this, args))
  }
}
