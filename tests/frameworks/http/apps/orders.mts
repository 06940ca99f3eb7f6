import { correlation, pick, track } from '@throughline/core'

/** What each application serves: an order without an amount is refused by an error. */
export const place = track(
  'Orders.place',
  async (id: string, order: { amount?: string }) => {
    if (order.amount === undefined) throw new RangeError('an order has an amount')
    return { id, amount: order.amount, correlation: correlation.id() }
  },
  { metadata: pick('id', 'amount') },
)
