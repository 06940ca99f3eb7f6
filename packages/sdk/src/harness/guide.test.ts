import { business, track } from '@throughline/core'
import {
  type TestThroughline,
  type ThroughlineMatchers,
  testThroughline,
  throughlineMatchers,
} from '@throughline/sdk/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'

declare module 'vitest' {
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown>
    extends ThroughlineMatchers<R> {}
}
expect.extend(throughlineMatchers)

let t: TestThroughline
beforeEach(() => {
  t = testThroughline()
})
afterEach(() => t.close())

const value = business.money('order.value', { currency: 'USD' })
const charge = track('Billing.charge', async (amount: string) => {
  value.add(amount)
  throw new Error('card declined')
})

test('a declined card is a failed charge of the full amount', async () => {
  await charge('129.90').catch(() => {})
  await t.settled()
  expect(t).toHaveOperation('Billing.charge', { success: false, business: { 'order.value': '129.90' } })
  expect(t.operations[0]?.error?.message).toBe('card declined')
})
