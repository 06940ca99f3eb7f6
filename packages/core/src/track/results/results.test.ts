import { EventEmitter } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api'
import { currentOperation, track } from '@throughline/core'
import { abandonOpen } from '@throughline/core/runtime'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  enableContexts,
  installRecordingRuntime,
  type RecordingRuntime,
} from '../../../testing/recording-runtime.js'

let runtime: RecordingRuntime
let disable: () => void
beforeEach(() => {
  disable = enableContexts()
  runtime = installRecordingRuntime()
})
afterEach(() => {
  abandonOpen()
  runtime.uninstall()
  disable()
})
const here = () => currentOperation()?.spanId
const names = () => runtime.ended.map((one) => one.names.spanName)

describe('a generator', () => {
  test('runs inside its operation at each step, its caller does not', async () => {
    const seen: unknown[] = []
    const numbers = track('A.numbers', async function* () {
      seen.push(here())
      yield 1
      await turn()
      seen.push(here())
      yield 2
      seen.push(here())
    })
    for await (const _ of numbers()) expect(here()).toBeUndefined()
    expect(new Set(seen)).toEqual(new Set([runtime.last().spanId]))
    expect(seen).toHaveLength(3)
  })

  test('calls of tracked functions in its body are its children', () => {
    const inner = track('A.inner', () => 1)
    const numbers = track('A.numbers', function* () {
      yield inner()
      yield inner()
    })
    expect([...numbers()]).toEqual([1, 1])
    expect(names()).toEqual(['A.inner', 'A.inner', 'A.numbers'])
    for (const child of runtime.ended.slice(0, 2)) expect(child.parentSpanId).toBe(runtime.last().spanId)
  })

  test('keeps iterator helpers, spread and destructuring', () => {
    const numbers = track('A.numbers', function* () {
      yield 1
      yield 2
      yield 3
    })
    const helped = numbers() as unknown as { map(fn: (n: number) => number): { toArray(): number[] } }
    expect(helped.map((n) => n * 2).toArray()).toEqual([2, 4, 6])
    const [first] = numbers()
    expect(first).toBe(1)
    expect(runtime.ended.map((one) => one.outcome)).toEqual(['success', 'success'])
  })

  test('that is handed on by another tracked function is an operation of both', () => {
    const inner = track('A.inner', function* () {
      yield 1
    })
    const outer = track('A.outer', () => inner())
    expect([...outer()]).toEqual([1])
    expect(names().sort()).toEqual(['A.inner', 'A.outer'])
  })

  test('that calls its own `next` gets the TypeError that it would get, and is not ended by it', () => {
    let own: Generator<number> | undefined
    const numbers = track('A.numbers', function* (): Generator<number> {
      expect(() => own?.next()).toThrow(/already running/)
      yield 1
    })
    own = numbers()
    expect([...own]).toEqual([1])
    expect(runtime.last().outcome).toBe('success')
  })

  test('as compilers write it for engines without is one, too', () => {
    let at = 0
    const made = {
      next: () => ({ done: at === 2, value: at++ }),
      return: () => ({ done: true, value: undefined }),
      throw: () => ({ done: true, value: undefined }),
      [Symbol.iterator]() {
        return this
      },
    }
    const numbers = track('A.numbers', () => made)
    const iterator = numbers()
    expect(runtime.ended).toHaveLength(0)
    expect([...(iterator as unknown as Iterable<number>)]).toEqual([0, 1])
    expect(names()).toEqual(['A.numbers'])
  })
})

describe('a lazy thenable', () => {
  const lazy = (run: () => unknown) => ({
    // biome-ignore lint/suspicious/noThenProperty: a query builder is such an object
    then: (onValue?: (value: unknown) => unknown, onReason?: (reason: unknown) => unknown) =>
      Promise.resolve().then(run).then(onValue, onReason),
  })

  test('is executed inside its operation; what the caller chains to it is outside', async () => {
    const key = createContextKey('caller')
    let inside: unknown
    const query = track('A.query', () =>
      lazy(() => {
        inside = here()
        return 1
      }),
    )()
    await context.with(ROOT_CONTEXT.setValue(key, 'mine'), () =>
      query.then((value) => {
        expect(value).toBe(1)
        expect(here()).toBeUndefined()
        expect(context.active().getValue(key)).toBe('mine')
      }),
    )
    expect(inside).toBe(runtime.last().spanId)
  })

  test('each execution has its own identity', async () => {
    const query = track('A.query', () => lazy(() => 1))()
    await query
    await query
    const [first, second] = runtime.ended
    expect(first?.spanId).not.toBe(second?.spanId)
    expect(runtime.started).toHaveLength(2)
  })

  test('whose `then` is a getter is not read before it is awaited', async () => {
    let read = 0
    const query = {
      // biome-ignore lint/suspicious/noThenProperty: some proxies of query builders are such objects
      get then() {
        read += 1
        return (resolve: (value: number) => void) => resolve(5)
      },
    }
    const returned = track('A.query', () => query)()
    expect(read).toBe(0)
    expect(await returned).toBe(5)
    expect(names()).toEqual(['A.query'])
  })

  test('that is frozen cannot be watched: it ends with the call', async () => {
    const query = Object.freeze(lazy(() => 1))
    expect(await track('A.query', () => query)()).toBe(1)
    expect(names()).toEqual(['A.query'])
  })
})

describe('an object that lasts', () => {
  test('and is returned again by the same function is watched once', async () => {
    const stream = new PassThrough()
    const get = track('A.get', () => stream)
    for (let i = 0; i < 50; i += 1) get()
    expect(stream.listenerCount('close')).toBeLessThan(3)
    expect(runtime.ended).toHaveLength(49)
    stream.destroy()
    await turn()
    expect(runtime.ended).toHaveLength(50)
  })

  test('leaves no listener behind when its operation has ended', async () => {
    const bare = Readable.from(['a'])
    const stream = track('A.read', () => Readable.from(['a']))()
    expect(stream.eventNames()).toContain('end')
    for (const one of [bare, stream]) await one.toArray()
    await turn()
    expect(stream.eventNames()).toEqual(bare.eventNames())
  })

  test.each([
    ['an event emitter', () => new EventEmitter()],
    ['a stream that has ended already', () => new PassThrough().destroy()],
    ['an iterator of an array', () => [1].values()],
    ['a function', () => () => 1],
    ['a Map', () => new Map()],
    ['a Response that the program made itself', () => new Response('body')],
    [
      'a web stream that is being read',
      () => {
        const stream = new ReadableStream()
        stream.getReader()
        return stream
      },
    ],
  ])('%s is a value', (_, make) => {
    const value = make()
    expect(track('A.b', () => value as unknown)()).toBe(value)
    expect(names()).toEqual(['A.b'])
  })
})

test('an SDK that ends in the meantime takes nothing from the caller', async () => {
  const numbers = track('A.numbers', async function* () {
    yield 1
    await turn()
    yield 2
  })()
  expect((await numbers.next()).value).toBe(1)
  runtime.uninstall()
  expect((await numbers.next()).value).toBe(2)
  expect((await numbers.next()).done).toBe(true)
})
