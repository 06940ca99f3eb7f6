import { business, correlation, currentOperation, track } from '@throughline/core'
import { installRuntime, slot } from '@throughline/core/runtime'
import { expect, test } from 'vitest'

test('a tracked function answers its own value, of any kind, as it is', () => {
  const promise = Promise.resolve(1)
  // biome-ignore lint/suspicious/noThenProperty: a query builder is such an object
  const thenable = { then: () => {} }
  for (const value of [undefined, null, 0, 'text', Symbol.iterator, promise, thenable, [1]]) {
    expect(track(() => value)()).toBe(value)
  }
})

test('a tracked function throws its own error object', () => {
  const error = new Error('no')
  const broken = track('Billing.charge', () => {
    throw error
  })
  expect(() => broken()).toThrow(error)
})

test('`this` and arguments arrive as they were given', () => {
  const seen: unknown[] = []
  const owner = {
    call: track('call', function (this: unknown, ...args: unknown[]) {
      seen.push(this, ...args)
    }),
  }
  owner.call(1, undefined, owner)
  expect(seen).toEqual([owner, 1, undefined, owner])
})

test('extractors are not called', () => {
  const fail = () => {
    throw new Error('called')
  }
  expect(track((a: number) => a + 1, { user: fail, metadata: fail, success: fail })(1)).toBe(2)
})

test('business metrics, the current operation and the correlation ID answer nothing and throw nothing', () => {
  const counter = business.counter('orders', { labels: { site: ['a', 'b'] } })
  counter.add(1, { site: 'a' })
  counter.add(Number.NaN, { site: 'b' })
  business.money('income', { currency: 'USD' }).add('rubbish', {})
  expect(currentOperation()).toBeUndefined()
  expect(correlation.id()).toBeUndefined()
  expect(correlation.fields()).toEqual({})
  expect(correlation.run('order-1', () => 7)).toBe(7)
})

test('two SDKs in one process are refused by name, and the first one stays', () => {
  const runtime = (name: string) => ({
    name,
    serviceName: name,
    start() {},
    end() {},
    measure() {},
    notice() {},
  })
  const first = runtime('first')
  const uninstall = installRuntime(first)
  expect(() => installRuntime(runtime('second'))).toThrow(/first is installed already; second/)
  expect(slot.runtime).toBe(first)
  uninstall()
  expect(slot.runtime).toBeUndefined()
})
