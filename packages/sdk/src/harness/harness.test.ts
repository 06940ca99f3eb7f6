import { readFileSync } from 'node:fs'
import { business, correlation, currentOperation, track } from '@throughline/core'
import { type TestThroughline, testThroughline, throughlineMatchers } from '@throughline/sdk/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'

let t: TestThroughline
beforeEach(() => {
  t = testThroughline({ serviceName: 'shop' })
})
afterEach(() => t.close())

const value = business.money('order.value', { currency: 'USD' })
const charge = track('Billing.charge', async (amount: string) => {
  value.add(amount)
  currentOperation()?.set({ card: '4111', nested: { deep: [1] } })
  await new Promise((resolve) => setImmediate(resolve))
  if (amount.startsWith('9')) throw new RangeError('too much')
  return amount
})

test('an operation is recorded as its row would be', async () => {
  await correlation.run({ id: 'order-1', user: 'u-1' }, () => charge('129.90'))
  expect(t.operations).toMatchObject([
    {
      name: 'Billing.charge',
      service: 'Billing',
      operation: 'charge',
      success: true,
      correlationId: 'order-1',
      userId: 'u-1',
      metadata: { card: '[redacted]', nested: { deep: [1] } },
      business: [{ name: 'business.order.value', value: '129.90' }],
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    },
  ])
})

test('a nested operation knows its parent, and one without a dot its service', async () => {
  await track('outer', () => charge('1'))()
  const [inner, outer] = t.operations
  expect(inner?.parentSpanId).toBe(outer?.spanId)
  expect(outer?.service).toBe('shop')
})

test('settled waits for what nobody awaited, and for what that begins', async () => {
  void charge('1').then(() => void charge('2'))
  await t.settled()
  expect(t.operations).toHaveLength(2)
})

test('settled names what does not end', async () => {
  void track('Hangs.forever', () => new Promise(() => {}))()
  await expect(t.settled(20)).rejects.toThrow('not settled after 20 ms, still open: Hangs.forever')
})

test('a second harness, or one beside an SDK, is refused by name', () => {
  expect(() => testThroughline()).toThrow(
    expect.objectContaining({ code: 'TL_ALREADY_STARTED', message: expect.stringContaining('close()') }),
  )
})

test('clear forgets, close ends the recording', async () => {
  await charge('1')
  t.clear()
  expect(t.operations).toEqual([])
  t.close()
  await charge('1')
  expect(t.operations).toEqual([])
  t = testThroughline()
})

const match = (name: string, expected?: Parameters<typeof throughlineMatchers.toHaveOperation>[2]) =>
  throughlineMatchers.toHaveOperation.call(undefined, t, name, expected)

test('the matcher compares what is named and nothing else', async () => {
  await correlation.run({ id: 'order-1', user: 'u-1' }, () => charge('129.90'))
  await charge('99').catch(() => {})
  expect(match('Billing.charge').pass).toBe(true)
  expect(match('Billing.charge', { success: true, business: { 'order.value': 129.9 } }).pass).toBe(true)
  expect(match('Billing.charge', { business: { 'business.order.value': '129.9' }, userId: 'u-1' }).pass).toBe(
    true,
  )
  expect(match('Billing.charge', { error: { type: 'RangeError', message: /too/ } }).pass).toBe(true)
  expect(match('Billing.charge', { metadata: { nested: { deep: [1] } }, times: 2 }).pass).toBe(true)
  expect(match('Billing.charge', { times: 1 }).pass).toBe(false)
  expect(match('Billing.charge', { success: true, business: { 'order.value': '99' } }).pass).toBe(false)
  expect(match('Billing.refund').pass).toBe(false)
})

test('a failure shows what was recorded instead, the likeliest first, with what differs', async () => {
  await track('Other.thing', () => 1)()
  await charge('99').catch(() => {})
  const expected = { success: true, business: { 'order.value': '129.90' } }
  expect(match('Billing.charge', expected).message()).toBe(
    `expected an operation Billing.charge with {"success":true,"business":{"order.value":"129.90"}}, and found none.
Recorded (2):
  Billing.charge, failure, RangeError: too much, metadata {"card":"[redacted]","nested":{"deep":[1]}}, business.order.value 99.00
      success: false instead of true
      business.order.value: 99.00 instead of 129.90
  Other.thing, success`,
  )
  t.clear()
  expect(match('Billing.charge').message()).toBe(
    'expected an operation Billing.charge, and found none.\nNothing was recorded.',
  )
})

test('used through expect, negated too, with asymmetric matchers', async () => {
  expect.extend(throughlineMatchers)
  await charge('5')
  expect(t).toHaveOperation('Billing.charge', { metadata: { nested: { deep: expect.any(Array) } } })
  expect(t).not.toHaveOperation('Billing.refund')
  expect(() => expect(t).not.toHaveOperation('Billing.charge')).toThrow(
    /expected no operation Billing.charge, and found 1/,
  )
  expect(() => expect(t).toHaveOperation('Billing.charge', { success: false })).toThrow(/Recorded \(1\)/)
})

test('what is no harness is said to be none', () => {
  expect(() => throughlineMatchers.toHaveOperation.call(undefined, {}, 'x')).toThrow(/testThroughline/)
})

test('the code of the guide is a test that runs', () => {
  const guide = readFileSync(new URL('../../../../docs/guides/testing.md', import.meta.url), 'utf8')
  const example = readFileSync(new URL('./guide.test.ts', import.meta.url), 'utf8')
  const shown = [...guide.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code]) => code as string)
  expect(shown.length).toBeGreaterThan(0)
  expect(shown.filter((code) => !example.includes(code))).toEqual([])
})
