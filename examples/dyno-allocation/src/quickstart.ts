import { business, correlation, track } from '@throughline/core'

const sold = business.money('order.value', { currency: 'USD', labels: { plan: ['free', 'pro'] } })

const charge = track('Billing.charge', async (order: { amount: string; plan: 'free' | 'pro' }) => {
  sold.add(order.amount, { plan: order.plan })
  return { ok: true }
})

await correlation.run('order-4711', () => charge({ amount: '129.90', plan: 'pro' }))
