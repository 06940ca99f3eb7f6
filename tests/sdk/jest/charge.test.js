const { throughlineMatchers, testThroughline } = require(process.env.TESTING)
const { business, track } = require(process.env.CORE)

expect.extend(throughlineMatchers)

const value = business.money('order.value', { currency: 'USD' })
const charge = track('Billing.charge', async () => {
  value.add('129.90')
  throw new Error('card declined')
})

let t
beforeEach(() => {
  t = testThroughline()
})
afterEach(() => t.close())

test('a declined card is a failed charge', async () => {
  await charge().catch(() => {})
  await t.settled()
  expect(t).toHaveOperation('Billing.charge', { success: false, business: { 'order.value': '129.90' } })
  expect(t).not.toHaveOperation('Billing.refund')
})

test('a failure shows what was recorded', async () => {
  await charge().catch(() => {})
  expect(() => expect(t).toHaveOperation('Billing.charge', { metadata: { a: expect.anything() } })).toThrow(
    /Recorded \(1\):\n {2}Billing\.charge, failure, Error: card declined/,
  )
})
