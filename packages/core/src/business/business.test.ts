import { business, currentOperation, track } from '@throughline/core'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  enableContexts,
  installRecordingRuntime,
  type RecordingRuntime,
} from '../../testing/recording-runtime.js'
import { fromMinor } from './decimal.js'

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

const sites = { site: ['dearborn', 'cologne'] } as const

test('a counter and money reach the SDK with their labels; money in minor units with its currency', () => {
  business.counter('vehicle.allocated', { labels: sites }).add(2, { site: 'cologne' })
  business.money('allocation.value', { currency: 'USD', labels: sites }).add('129.90', { site: 'dearborn' })
  business.money('toll', { currency: 'JPY' }).add(300, {})
  expect(runtime.measured.map(({ instrument, value, labels }) => [instrument.name, value, labels])).toEqual([
    ['business.vehicle.allocated', 2, { site: 'cologne' }],
    ['business.allocation.value', 12_990n, { site: 'dearborn', currency: 'USD' }],
    ['business.toll', 300n, { currency: 'JPY' }],
  ])
})

test('a label value that was not declared counts as `other`, and is counted; further labels are dropped', () => {
  const counter = business.counter('vehicle.allocated', { labels: sites })
  counter.add(1, { site: 'atlantis', user: 'u-1' } as never)
  counter.add(1, undefined as never)
  counter.add(1, { site: 'toString' } as never)
  expect(runtime.measured.map((one) => one.labels)).toEqual([
    { site: 'other' },
    { site: 'other' },
    { site: 'other' },
  ])
  expect(runtime.count('business_label_other')).toBe(3)
})

test('a counter refuses what is no finite number >= 0, counts it and throws nothing', () => {
  const counter = business.counter('orders')
  for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY, '1', 1n, undefined])
    counter.add(wrong as never, {})
  expect(runtime.measured).toEqual([])
  expect(runtime.count('business_value_refused')).toBe(6)
  counter.add(0, {})
  counter.add(0.5, {})
  expect(runtime.measured.map((one) => one.value)).toEqual([0, 0.5])
})

test('money refuses NaN, Infinity, too many places and negatives, counts it and throws nothing', () => {
  const income = business.money('income', { currency: 'USD' })
  const wrong = [Number.NaN, Number.POSITIVE_INFINITY, '1.001', 0.1 + 0.2, '-1', -1, 'free', '', null, {}]
  for (const one of wrong) income.add(one as never, {})
  expect(runtime.measured).toEqual([])
  expect(runtime.count('business_value_refused')).toBe(wrong.length)
})

test('signed money takes refunds, and is not monotonic', () => {
  const balance = business.money('balance', { currency: 'EUR', signed: true })
  balance.add('-12.50', {})
  expect(runtime.measured[0]).toMatchObject({ value: -1_250n, instrument: { monotonic: false, scale: 2 } })
})

test('labels whose getter throws cost the measurement, never the call', () => {
  const labels = {
    get site(): 'cologne' {
      throw new Error('no')
    },
  }
  business.counter('getter.orders', { labels: sites }).add(1, labels)
  business.money('getter.income', { currency: 'USD', labels: sites }).add('1', labels)
  expect(runtime.measured).toEqual([])
  expect(runtime.count('internal_error')).toBe(2)
})

test('values measured in an operation are on its record, summed exactly by name and labels', () => {
  const value = business.money('allocation.value', { currency: 'USD', labels: sites })
  const count = business.counter('vehicle.allocated', { labels: sites })
  track('A.b', () => {
    for (let i = 0; i < 10; i += 1) value.add('0.10', { site: 'cologne' })
    value.add('5', { site: 'dearborn' })
    count.add(0.5, { site: 'cologne' })
    count.add(1, { site: 'cologne' })
  })()
  expect(runtime.last().business).toEqual([
    { name: 'business.allocation.value', labels: { site: 'cologne', currency: 'USD' }, value: '1.00' },
    { name: 'business.allocation.value', labels: { site: 'dearborn', currency: 'USD' }, value: '5.00' },
    { name: 'business.vehicle.allocated', labels: { site: 'cologne' }, value: '1.5' },
  ])
})

test('the sum on the record equals the BigInt sum of any amounts', () => {
  const income = business.money('income.signed', { currency: 'USD', signed: true })
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), { minLength: 1 }), (cents) => {
      track('A.b', () => {
        for (const one of cents) income.add(fromMinor(one, 2), {})
      })()
      const sum = cents.reduce((a, b) => a + b, 0n)
      expect(runtime.last().business?.[0]?.value).toBe(fromMinor(sum, 2))
    }),
  )
})

test('a record holds 100 different values; more are measured all the same, and counted', () => {
  const names = Array.from({ length: 110 }, (_, i) => business.counter(`c${i}`))
  track('A.b', () => {
    for (const one of names) one.add(1, {})
    expect(currentOperation()).toBeDefined()
  })()
  expect(runtime.last().business).toHaveLength(100)
  expect(runtime.measured).toHaveLength(110)
  expect(runtime.count('business_values_dropped')).toBe(10)
})

test('a gauge takes any finite number, a histogram any that is not negative; the rest is refused and counted', () => {
  const stock = business.gauge('stock', { labels: sites, unit: '{vehicle}' })
  const items = business.histogram('order.items')
  for (const level of [3, -1.5, 0]) stock.set(level, { site: 'cologne' })
  for (const size of [0, 2.5]) items.record(size)
  expect(runtime.measured.map((one) => one.value)).toEqual([3, -1.5, 0, 0, 2.5])
  const wrong = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, '1', undefined, 1e-30]
  for (const one of wrong) {
    stock.set(one as never, { site: 'cologne' })
    items.record(one as never)
  }
  items.record(-1)
  expect(runtime.measured).toHaveLength(5)
  expect(runtime.count('business_value_refused')).toBe(2 * wrong.length + 1)
})

test('on the record a gauge is its last value, a histogram the exact sum of its values and their number', () => {
  const stock = business.gauge('stock.level')
  const minutes = business.histogram('delivery.time', { unit: 'min', bounds: [10, 30] })
  track('A.b', () => {
    for (const level of [5, 7.5, 6]) stock.set(level)
    for (const one of [0.1, 0.2, 30]) minutes.record(one)
  })()
  expect(runtime.last().business).toEqual([
    { name: 'business.stock.level', labels: {}, value: '6', kind: 'gauge' },
    { name: 'business.delivery.time', labels: {}, value: '30.3', kind: 'histogram', count: 3 },
  ])
})

test('the same definition is the same metric, wherever it stands; one name in two currencies is one metric too', () => {
  business.money('turnover', { currency: 'USD' }).add('1.00')
  business.money('turnover', { currency: 'USD' }).add('2.00')
  business.money('turnover', { currency: 'JPY' }).add(300)
  const [first, second, third] = runtime.measured
  expect(second?.instrument).toBe(first?.instrument)
  expect(third).toMatchObject({ value: 300n, labels: { currency: 'JPY' }, instrument: { scale: 0 } })
})

test('a name that is defined again with another kind, unit, label set or bounds is refused at once', () => {
  business.counter('defined', { labels: sites, unit: '{order}' })
  business.histogram('spread', { bounds: [1, 2] })
  const again = [
    () => business.gauge('defined', { labels: sites, unit: '{order}' }),
    () => business.counter('defined', { labels: sites }),
    () => business.counter('defined', { labels: { site: ['cologne'] }, unit: '{order}' }),
    () => business.histogram('spread', { bounds: [1, 3] }),
  ]
  for (const one of again) expect(one).toThrow(/is defined already/)
})

test('equal labels reach the SDK as one object, in the declared order', () => {
  const counter = business.counter('ordered', { labels: { site: ['a', 'b'], kind: ['x'] } })
  counter.add(1, { kind: 'x', site: 'a' })
  counter.add(1, { site: 'a', kind: 'x' })
  expect(runtime.measured[0]?.labels).toBe(runtime.measured[1]?.labels)
  expect(Object.keys(runtime.measured[0]?.labels ?? {})).toEqual(['site', 'kind'])
})

test('a declared value `other` is counted as nothing special', () => {
  business.counter('with.other', { labels: { site: ['a', 'other'] } }).add(1, { site: 'other' })
  expect(runtime.count('business_label_other')).toBe(0)
})

const anything = business as unknown as Record<
  'counter' | 'gauge' | 'histogram' | 'money',
  (name: unknown, options?: unknown) => unknown
>
test.each<[string, () => unknown, RegExp]>([
  ['a name with capitals', () => anything.counter('Orders'), /the name 'Orders'/],
  ['an empty name', () => anything.counter(''), /not of the form/],
  ['a name of 101 characters', () => anything.counter('a'.repeat(101)), /at most 100/],
  [
    'a label without values',
    () => anything.counter('a', { labels: { site: [] } }),
    /needs its possible values/,
  ],
  [
    'a label that is no list',
    () => anything.counter('a', { labels: { site: 'x' } }),
    /needs its possible values/,
  ],
  ['an empty label value', () => anything.counter('a', { labels: { site: [''] } }), /1 to 128/],
  ['a label name with a space', () => anything.counter('a', { labels: { 'a b': ['x'] } }), /label a b/],
  [
    'a label named currency on money',
    () => anything.money('a', { currency: 'USD', labels: { currency: ['USD'] } }),
    /set by the option/,
  ],
  ['a currency that is none', () => anything.money('a', { currency: 'dollar' }), /ISO 4217/],
  ['a currency that nobody uses', () => anything.money('a', { currency: 'ABC' }), /ISO 4217/],
  ['a currency in small letters', () => anything.money('a', { currency: 'usd' }), /ISO 4217/],
  ['a unit with a space', () => anything.counter('a', { unit: 'per day' }), /no unit of UCUM/],
  ['an empty unit', () => anything.gauge('a', { unit: '' }), /no unit of UCUM/],
  ['a unit of 64 characters', () => anything.gauge('a', { unit: 'm'.repeat(64) }), /no unit of UCUM/],
  ['an open brace in a unit', () => anything.gauge('a', { unit: '{order' }), /no unit of UCUM/],
  ['bounds that fall', () => anything.histogram('a', { bounds: [2, 1] }), /each larger/],
  ['no bounds', () => anything.histogram('a', { bounds: [] }), /1 to 100/],
  ['a bound that is no number', () => anything.histogram('a', { bounds: [1, Number.NaN] }), /finite/],
  ['a cap of no series', () => anything.counter('a', { maxSeries: 0 }), /maxSeries/],
  [
    'more than 1,000 combinations',
    () =>
      anything.counter('a', {
        labels: {
          x: Array.from({ length: 40 }, (_, i) => `x${i}`),
          y: Array.from({ length: 40 }, (_, i) => `y${i}`),
        },
      }),
    /at most 1,000/,
  ],
  [
    '11 labels',
    () =>
      anything.counter('a', {
        labels: Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`l${i}`, ['x']])),
      }),
    /at most/,
  ],
])('%s is refused at construction', (_, construct, message) => {
  expect(construct).toThrow(TypeError)
  expect(construct).toThrow(message)
})
