import { isGeneratorObject, isPromise } from 'node:util/types'
import { context } from '@opentelemetry/api'
import { touch } from '../../abandoned.js'
import { fail, outlive, type Running, succeed } from '../running.js'
import { hasMethod, lookUp, override } from './properties.js'

const STEPS = ['next', 'return', 'throw'] as const
const { then } = Promise.prototype

/** A generator, asynchronous ones too; also as compilers write it for engines without. */
export function isGenerator(value: object): boolean {
  if (isGeneratorObject(value)) return true
  return (
    'next' in value &&
    (Symbol.iterator in value || Symbol.asyncIterator in value) &&
    STEPS.every((step) => hasMethod(value, step))
  )
}

/**
 * A generator: the same object with `next`, `return` and `throw` of its own, so that its prototype, `yield*` and its helpers stay. The
 * body runs inside the operation at each step. It ends with the body: returned, left early (`break` calls `return`), or thrown out of.
 */
export function observeGenerator(running: Running, generator: object): boolean {
  const { operation, inside } = running
  let stepping = false

  function ended(done: unknown): void {
    if (done === true) succeed(running, generator)
    else if (!operation.ended) touch(operation)
  }

  function step(this: unknown, original: Step, args: unknown[]): unknown {
    // A body that calls its own `next` is told so by a TypeError, and goes on.
    if (this !== generator || stepping) return Reflect.apply(original, this, args)
    let result: unknown
    stepping = true
    try {
      result = context.with(inside, () => Reflect.apply(original, generator, args))
    } catch (error) {
      fail(running, error)
      throw error
    } finally {
      stepping = false
    }
    if (!isPromise(result)) {
      ended((result as { done?: unknown } | undefined)?.done)
      return result
    }
    return Reflect.apply(then, result, [
      (item: { done?: unknown } | undefined): unknown => {
        ended(item?.done)
        return item
      },
      (error: unknown): never => {
        fail(running, error)
        throw error
      },
    ])
  }

  const originals = STEPS.map((name) => lookUp(generator, name)?.value as Step)
  const done = STEPS.every((name, i) =>
    override(
      generator,
      name,
      Object.defineProperty(
        function (this: unknown, ...args: unknown[]): unknown {
          return Reflect.apply(step, this, [originals[i], args])
        },
        'name',
        { value: name, configurable: true },
      ),
    ),
  )
  if (done) outlive(running, generator)
  return done
}

type Step = (...args: unknown[]) => unknown
