import { business, correlation, track } from '@throughline/core'
import { fromMinor, type Instrument, installRuntime } from '@throughline/core/runtime'
import type { Metric } from '@throughline/otlp'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { enableContexts } from '../../../core/testing/recording-runtime.js'
import { createNotices, type Notices } from '../notices.js'
import { type BusinessMetrics, createBusinessMetrics } from './business.js'

let lines: string[]
let notices: Notices
let metrics: BusinessMetrics
let uninstall: () => void
let disable: (() => void) | undefined

function start(options: { temporality?: 'delta' } = {}): void {
  notices = createNotices((line) => lines.push(line))
  metrics = createBusinessMetrics(notices, options)
  uninstall = installRuntime({
    name: 'tests',
    serviceName: 'tests',
    start() {},
    end() {},
    measure: metrics.measure,
    notice: notices.note,
  })
}
beforeEach(() => {
  lines = []
  start()
})
afterEach(() => {
  uninstall()
  disable?.()
  disable = undefined
})

/** Money in dollars, as core would describe it. */
const AMOUNT: Instrument = {
  kind: 'money',
  name: 'business.x',
  unit: '{currency}',
  description: '',
  labels: {},
  maxSeries: 10,
  scale: 2,
  monotonic: false,
}

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

test('a sum of money is the exact sum, rounded once', () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: -(10n ** 14n), max: 10n ** 14n }), { minLength: 1 }), (cents) => {
      const fresh = createBusinessMetrics(notices)
      const labels = { currency: 'USD' }
      const instrument = { ...AMOUNT }
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

test('one name in two currencies is one metric, each amount in its own places', () => {
  business.money('turnover', { currency: 'USD' }).add('1.05')
  business.money('turnover', { currency: 'JPY' }).add(300)
  expect(collected()).toHaveLength(1)
  expect(points('business.turnover').map((one) => [one.attributes, one.value])).toEqual([
    [{ currency: 'USD' }, 1.05],
    [{ currency: 'JPY' }, 300],
  ])
})

test('a gauge shows its last value', () => {
  const stock = business.gauge('stock', { unit: '{vehicle}' })
  for (const level of [4, -2, 7]) stock.set(level)
  expect(collected()[0]).toMatchObject({ unit: '{vehicle}', data: { kind: 'gauge', points: [{ value: 7 }] } })
})

test('a histogram counts each value in its bucket, upper bounds included', () => {
  const items = business.histogram('items', { bounds: [1, 5, 10] })
  for (const size of [0, 1, 1.5, 5, 10, 11]) items.record(size)
  expect(collected()[0]?.data).toMatchObject({
    kind: 'histogram',
    temporality: 'cumulative',
    points: [{ count: 6, sum: 28.5, min: 0, max: 11, bounds: [1, 5, 10], bucketCounts: [2, 2, 1, 1] }],
  })
})

test('a measurement inside an operation is the exemplar of its bucket; one outside is none', () => {
  disable = enableContexts()
  const items = business.histogram('items.shown', { bounds: [1, 5] })
  items.record(3)
  correlation.run('order-1', () =>
    track('A.b', () => {
      items.record(0.5)
      items.record(9)
    })(),
  )
  const data = collected()[0]?.data
  const exemplars = data?.kind === 'histogram' ? data.points[0]?.exemplars : []
  expect(exemplars?.map((one) => [one.value, one.attributes])).toEqual([
    [0.5, { 'correlation.id': 'order-1' }],
    [9, { 'correlation.id': 'order-1' }],
  ])
})

test('ten thousand additions of a tenth are a thousand, to the last digit', () => {
  const counter = business.counter('tenths')
  const income = business.money('dimes', { currency: 'USD' })
  for (let i = 0; i < 10_000; i += 1) {
    counter.add(0.1)
    income.add('0.10')
  }
  expect(points('business.tenths')[0]?.value).toBe(1_000)
  expect(points('business.dimes')[0]?.value).toBe(1_000)
})

test('beyond its series an instrument counts in one overflow series, and says so once', () => {
  const sites = Array.from({ length: 50 }, (_, i) => `s${i}`)
  const counter = business.counter('capped', { labels: { site: sites }, maxSeries: 10 })
  for (const site of sites) counter.add(1, { site })
  for (const site of sites) counter.add(1, { site })
  const all = points('business.capped')
  expect(all).toHaveLength(11)
  expect(all.find((one) => one.attributes['otel.metric.overflow'] === 'true')?.value).toBe(80)
  expect(all.reduce((sum, one) => sum + Number(one.value), 0)).toBe(100)
  expect(lines.filter((line) => line.includes('series_overflow'))).toHaveLength(1)
})

describe('with delta temporality', () => {
  const at = (nano: bigint) => ({ startTimeUnixNano: 1n, timeUnixNano: nano })
  const values = (sent: { metrics: Metric[] }, name: string) => {
    const data = sent.metrics.find((one) => one.name === name)?.data
    return data?.kind === 'sum' || data?.kind === 'gauge'
      ? data.points.map((one) => [one.startTimeUnixNano, one.timeUnixNano, one.value])
      : []
  }
  beforeEach(() => {
    uninstall()
    start({ temporality: 'delta' })
  })

  test('an export has what came since the last one that arrived, and the page has everything', () => {
    const counter = business.counter('orders.delta')
    counter.add(2)
    const first = metrics.export(at(10n))
    expect(first.metrics[0]).toMatchObject({ data: { temporality: 'delta' } })
    expect(values(first, 'business.orders.delta')).toEqual([[1n, 10n, 2]])
    first.settle(true)
    counter.add(3)
    const second = metrics.export(at(20n))
    expect(values(second, 'business.orders.delta')).toEqual([[10n, 20n, 3]])
    second.settle(true)
    expect(values(metrics.export(at(30n)), 'business.orders.delta')).toEqual([])
    expect(points('business.orders.delta')[0]?.value).toBe(5)
  })

  test('what a failed export held is in the next one; two exports under way do not hold the same', () => {
    const income = business.money('income.delta', { currency: 'USD' })
    income.add('0.10')
    const lost = metrics.export(at(10n))
    income.add('0.20')
    expect(values(metrics.export(at(11n)), 'business.income.delta')).toEqual([[1n, 11n, 0.2]])
    lost.settle(false)
    expect(values(metrics.export(at(12n)), 'business.income.delta')).toEqual([[1n, 12n, 0.1]])
  })

  test('a histogram gives back its buckets', () => {
    const items = business.histogram('items.delta', { bounds: [1] })
    items.record(1)
    items.record(2)
    metrics.export(at(10n)).settle(false)
    items.record(3)
    expect(metrics.export(at(11n)).metrics[0]?.data).toMatchObject({
      temporality: 'delta',
      points: [{ count: 3, sum: 6, bucketCounts: [1, 2] }],
    })
  })

  test('signed money and gauges stay what they are', () => {
    business.money('balance.delta', { currency: 'EUR', signed: true }).add('-1')
    business.gauge('level.delta').set(4)
    metrics.export(at(10n)).settle(true)
    const sent = metrics.export(at(20n))
    expect(sent.metrics[0]).toMatchObject({ data: { temporality: 'cumulative', points: [{ value: -1 }] } })
    expect(values(sent, 'business.level.delta').map(([, , value]) => value)).toEqual([4])
  })

  test('the parts of any sequence of exports add up to the whole', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ cents: fc.bigInt({ min: 0n, max: 10n ** 9n }), arrives: fc.boolean() })),
        (steps) => {
          const fresh = createBusinessMetrics(notices, { temporality: 'delta' })
          const instrument = { ...AMOUNT, monotonic: true }
          let sum = 0n
          let got = 0n
          let now = 10n
          const send = (arrives: boolean) => {
            now += 1n
            const sent = fresh.export(at(now))
            if (arrives)
              for (const [, , value] of values(sent, 'business.x'))
                got += BigInt(Math.round(Number(value) * 100))
            sent.settle(arrives)
          }
          for (const { cents, arrives } of steps) {
            fresh.measure(instrument, cents, { currency: 'USD' })
            sum += cents
            send(arrives)
          }
          send(true)
          expect(got).toBe(sum)
        },
      ),
    )
  })
})

test('more than 500 metrics made at run time have no series, counted', () => {
  for (let i = 0; i < 510; i += 1) business.counter(`c${i}`).add(1, {})
  expect(collected()).toHaveLength(500)
  expect(notices.counts().get('series_overflow')).toBe(10)
})
