import { business } from '@throughline/core'
import { fromMinor, installRuntime } from '@throughline/core/runtime'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createNotices, type Notices } from '../notices.js'
import { type BusinessMetrics, createBusinessMetrics } from './business.js'

let notices: Notices
let metrics: BusinessMetrics
let uninstall: () => void
beforeEach(() => {
  notices = createNotices(() => {})
  metrics = createBusinessMetrics(notices)
  uninstall = installRuntime({
    name: 'tests',
    serviceName: 'tests',
    start() {},
    end() {},
    measure: metrics.measure,
    notice: notices.note,
  })
})
afterEach(() => uninstall())

const collected = () => metrics.collect({ startTimeUnixNano: 1n, timeUnixNano: 2n })
const points = (name: string) => {
  const data = collected().find((one) => one.name === name)?.data
  return data?.kind === 'sum' ? data.points : []
}

test('counts and amounts are cumulative sums, one series a combination of labels', () => {
  const counter = business.counter('orders', {
    labels: { site: ['a', 'b'], kind: ['x', 'y'] },
    unit: '{order}',
  })
  counter.add(1, { site: 'a', kind: 'x' })
  counter.add(2, { site: 'a', kind: 'x' })
  counter.add(5, { kind: 'y', site: 'b' })
  expect(points('business.orders').map((one) => [one.attributes, one.value])).toEqual([
    [{ site: 'a', kind: 'x' }, 3],
    [{ site: 'b', kind: 'y' }, 5],
  ])
  expect(collected()[0]).toMatchObject({
    unit: '{order}',
    data: { kind: 'sum', monotonic: true, temporality: 'cumulative' },
  })
})

test('an instrument that is made twice is one metric', () => {
  business.money('income', { currency: 'USD' }).add('0.10', {})
  business.money('income', { currency: 'USD' }).add('0.20', {})
  expect(collected()).toHaveLength(1)
  expect(points('business.income')[0]?.value).toBe(0.3)
})

test('two instruments of one name and different meaning: the first stays, the second is refused and counted', () => {
  business.counter('income').add(1, {})
  business.money('income', { currency: 'USD' }).add('5', {})
  expect(collected()).toHaveLength(1)
  expect(points('business.income')).toMatchObject([{ value: 1 }])
  expect(notices.counts().get('business_value_refused')).toBe(1)
})

test('a sum of money is the exact sum, rounded once', () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: -(10n ** 14n), max: 10n ** 14n }), { minLength: 1 }), (cents) => {
      const fresh = createBusinessMetrics(notices)
      const labels = { currency: 'USD' }
      const instrument = {
        kind: 'money' as const,
        name: 'business.x',
        unit: '',
        description: '',
        labels: {},
        scale: 2,
        monotonic: false,
      }
      for (const one of cents) fresh.measure(instrument, one, labels)
      const data = fresh.collect({ startTimeUnixNano: 1n, timeUnixNano: 2n })[0]?.data
      const value = data?.kind === 'sum' ? data.points[0]?.value : undefined
      expect(value).toBe(
        Number(
          fromMinor(
            cents.reduce((a, b) => a + b, 0n),
            2,
          ),
        ),
      )
    }),
  )
})

test('signed money is no monotonic sum', () => {
  business.money('balance', { currency: 'EUR', signed: true }).add('-1', {})
  expect(collected()[0]).toMatchObject({ data: { monotonic: false, points: [{ value: -1 }] } })
})

test('more than 500 metrics made at run time have no series, counted', () => {
  for (let i = 0; i < 510; i += 1) business.counter(`c${i}`).add(1, {})
  expect(collected()).toHaveLength(500)
  expect(notices.counts().get('series_overflow')).toBe(10)
})
