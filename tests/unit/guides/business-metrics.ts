import { business, track } from '@throughline/core'

const site = ['dearborn', 'cologne'] as const

const allocated = business.counter('vehicle.allocated', { labels: { site }, unit: '{vehicle}' })
const value = business.money('allocation.value', { currency: 'USD', labels: { site } })
const refunds = business.money('refund.value', { currency: 'USD', signed: true })
const stock = business.gauge('vehicle.stock', { labels: { site }, unit: '{vehicle}' })
const delivery = business.histogram('delivery.time', { unit: 'd', bounds: [1, 2, 3, 5, 10, 20] })

export const allocate = track('Allocation.allocate', (at: (typeof site)[number]) => {
  allocated.add(1, { site: at })
  value.add('129.90', { site: at })
  stock.set(41, { site: at })
  delivery.record(3)
})

export const refund = track('Allocation.refund', () => refunds.add('-12.50'))
