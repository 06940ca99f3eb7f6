import { context } from '@opentelemetry/api'
import { disguise } from '../disguise.js'
import { fail, outlive, type Running, succeed } from '../running.js'
import type { AnyFunction } from '../types.js'
import { inContext } from './callers-context.js'

/**
 * A function that answers by the callback given last: the operation lasts until that is called. Its first call tells the outcome, all of
 * them reach the caller, in the caller's context. What the function returns is its own affair.
 */
export function callWithCallback(running: Running, fn: AnyFunction): unknown {
  const { args, self, inside } = running
  const callback = args.at(-1) as AnyFunction
  const deliver = inContext(context.active(), callback)
  const observed = disguise(
    function (this: unknown, ...answer: unknown[]): unknown {
      const [error, value] = answer
      if (error === undefined || error === null || error === false) succeed(running, value)
      else fail(running, error)
      return Reflect.apply(deliver, this, answer)
    } as AnyFunction,
    callback,
  )
  let result: unknown
  try {
    result = context.with(inside, () => Reflect.apply(fn, self, [...args.slice(0, -1), observed]))
  } catch (error) {
    fail(running, error)
    throw error
  }
  outlive(running, observed)
  return result
}
