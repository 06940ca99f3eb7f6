import { track } from '@throughline/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  enableContexts,
  installRecordingRuntime,
  type RecordingRuntime,
} from '../../testing/recording-runtime.js'

let runtime: RecordingRuntime
let disable: () => void
beforeEach(() => {
  disable = enableContexts()
  runtime = installRecordingRuntime()
})
afterEach(() => {
  runtime.uninstall()
  disable()
})

test('a synchronous call is one successful operation with its names and IDs', () => {
  expect(track('Billing.Invoices.charge', (a: number, b: number) => a * b)(6, 7)).toBe(42)
  const operation = runtime.last()
  expect(runtime.ended).toHaveLength(1)
  expect(operation.names).toMatchObject({
    service: 'Billing.Invoices',
    operation: 'charge',
    spanName: 'Billing.Invoices.charge',
  })
  expect(operation.outcome).toBe('success')
  expect(operation.traceId).toMatch(/^(?!0+$)[0-9a-f]{32}$/)
  expect(operation.spanId).toMatch(/^(?!0+$)[0-9a-f]{16}$/)
  expect(operation.correlationId).toMatch(/^[0-9a-f-]{36}$/)
  expect(operation.parentSpanId).toBeUndefined()
  expect(operation.durationMs).toBeGreaterThanOrEqual(0)
  expect(Math.abs(Number(operation.startUnixNano / 1_000_000n) - Date.now())).toBeLessThan(5_000)
})

test('a synchronous throw is one failed operation, and the same error object arrives', () => {
  class OutOfStock extends RangeError {
    override name = 'OutOfStock'
  }
  const error = new OutOfStock('none left')
  let caught: unknown
  try {
    track('Shop.sell', () => {
      throw error
    })()
  } catch (thrown) {
    caught = thrown
  }
  expect(caught).toBe(error)
  expect(runtime.last()).toMatchObject({
    outcome: 'failure',
    failure: { type: 'OutOfStock', message: 'none left', stack: error.stack },
  })
})

test.each([undefined, null, 0, 'text', { a: 1 }])('a thrown %j arrives as it is', (thrown) => {
  let caught: unknown = 'nothing'
  try {
    track(() => {
      throw thrown
    })()
  } catch (error) {
    caught = error
  }
  expect(caught).toBe(thrown)
  expect(runtime.last().outcome).toBe('failure')
})

test('name, length, own properties and symbols, and the kind of function are those of the original', () => {
  const secret = Symbol('secret')
  async function original(a: number, b: number, c = 3): Promise<number> {
    return a + b + c
  }
  Object.assign(original, { route: '/orders', [secret]: 1 })
  Object.defineProperty(original, 'fixed', { value: 'x', enumerable: false })
  const wrapped = track(original)
  expect(wrapped.name).toBe('original')
  expect(wrapped.length).toBe(2)
  expect({ ...wrapped }).toEqual({ route: '/orders', [secret]: 1 })
  expect(Object.getOwnPropertyDescriptor(wrapped, 'fixed')).toEqual(
    Object.getOwnPropertyDescriptor(original, 'fixed'),
  )
  expect(Object.getPrototypeOf(wrapped)).toBe(Object.getPrototypeOf(original))
  expect(wrapped.constructor.name).toBe('AsyncFunction')
})

test('`new` on a wrapped constructor function makes its instances, and is no operation', () => {
  function Point(this: { x: number }, x: number) {
    this.x = x
  }
  Point.prototype.double = function (this: { x: number }) {
    return this.x * 2
  }
  const Wrapped = track(Point) as unknown as new (x: number) => { x: number; double(): number }
  const point = new Wrapped(4)
  expect(point.double()).toBe(8)
  expect(point).toBeInstanceOf(Wrapped)
  expect(point).toBeInstanceOf(Point)
  class Derived extends Wrapped {}
  expect(new Derived(5)).toBeInstanceOf(Derived)
  expect(runtime.ended).toHaveLength(0)
  expect(() => new (track(() => 1) as unknown as new () => unknown)()).toThrow(TypeError)
})

test('`this` of any kind reaches the function and names nothing', () => {
  const self = track('Cart.self', function (this: unknown) {
    return this
  })
  for (const value of [undefined, null, 5, 'text', Object.create(null)]) expect(self.call(value)).toBe(value)
  expect(new Set(runtime.ended.map((one) => one.names.spanName))).toEqual(new Set(['Cart.self']))
})

test('a function without a name is `anonymous`; options name and service win', () => {
  track(
    (
      () => () =>
        1
    )(),
  )()
  track('plain', () => 1, { service: 'Billing' })()
  track('ignored', () => 1, { name: 'A.b' })()
  expect(runtime.ended.map((one) => one.names.spanName)).toEqual(['anonymous', 'Billing.plain', 'A.b'])
  expect(runtime.ended[0]?.names.service).toBeUndefined()
})

test('wrong options are refused where they are written', () => {
  const anything = track as unknown as (...args: unknown[]) => unknown
  expect(() => anything('name')).toThrow(/needs a function/)
  expect(() => anything(() => 1, 'options')).toThrow(/options are an object/)
  expect(() => anything(() => 1, { user: 'me' })).toThrow(/option user is a function/)
  expect(() => anything({ name: '' })).toThrow(/option name is a non-empty string/)
})

test.each(['start', 'end', 'notice'] as const)('an SDK whose %s throws never fails the call', (broken) => {
  runtime.uninstall()
  const failing = () => {
    throw new Error('the SDK is broken')
  }
  runtime = installRecordingRuntime({ [broken]: failing })
  const options = {
    user: () => {
      throw new Error('extractor')
    },
  }
  expect(track('A.b', () => 1, options)()).toBe(1)
  const error = new Error('own')
  expect(() =>
    track('A.b', () => {
      throw error
    })(),
  ).toThrow(error)
})
