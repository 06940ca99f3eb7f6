import { expect, test } from 'vitest'
import { readOpenMetrics } from '../../testing/openmetrics.js'
import type { ScopeMetrics } from './exporter.js'
import { toOpenMetrics } from './openmetrics.js'

const times = { startTimeUnixNano: 1n, timeUnixNano: 2n }
const exemplar = (value: number) => ({
  value,
  timeUnixNano: 1_785_000_000_123_456_789n,
  traceId: 'a'.repeat(32),
  spanId: 'b'.repeat(16),
  attributes: { 'correlation.id': 'order-1' },
})
const scope = { name: 's', version: '1' }
const one = (metric: ScopeMetrics['metrics'][number]) =>
  readOpenMetrics(toOpenMetrics([{ scope, metrics: [metric] }]))[0]!

test('nothing at all is a page too', () => {
  expect(toOpenMetrics([])).toBe('# EOF\n')
})

test('a counter ends in _total, carries its exemplar, and its labels are escaped', () => {
  const family = one({
    name: 'business.orders',
    unit: '1',
    description: 'two\nlines \\',
    data: {
      kind: 'sum',
      monotonic: true,
      temporality: 'cumulative',
      points: [{ ...times, attributes: { site: 'a "b"\\\n' }, value: 3, exemplars: [exemplar(1)] }],
    },
  })
  expect(family).toEqual({
    name: 'business_orders',
    type: 'counter',
    samples: [
      {
        name: 'business_orders_total',
        labels: { site: 'a "b"\\\n' },
        value: 3,
        exemplar: {
          labels: { trace_id: 'a'.repeat(32), span_id: 'b'.repeat(16), correlation_id: 'order-1' },
          value: 1,
          seconds: 1_785_000_000.123,
        },
      },
    ],
  })
})

test('a sum that may fall is a gauge, without exemplar', () => {
  const points = [{ ...times, attributes: {}, value: -2, exemplars: [exemplar(1)] }]
  const family = one({
    name: 'business.balance',
    data: { kind: 'sum', monotonic: false, temporality: 'cumulative', points },
  })
  expect(family).toMatchObject({
    type: 'gauge',
    samples: [{ name: 'business_balance', exemplar: undefined }],
  })
})

test('a histogram has cumulative buckets with canonical bounds, each exemplar in its bucket', () => {
  const family = one({
    name: 'throughline.operation.duration',
    unit: 's',
    data: {
      kind: 'histogram',
      temporality: 'cumulative',
      points: [
        {
          ...times,
          attributes: { outcome: 'success' },
          count: 6,
          sum: 12.5,
          bounds: [0.5, 1, 10],
          bucketCounts: [1, 2, 0, 3],
          exemplars: [exemplar(0.5), exemplar(30)],
        },
      ],
    },
  })
  expect(family.name).toBe('throughline_operation_duration_seconds')
  expect(family.samples.map((sample) => [sample.labels.le, sample.value, sample.exemplar?.value])).toEqual([
    ['0.5', 1, 0.5],
    ['1.0', 3, undefined],
    ['10.0', 3, undefined],
    ['+Inf', 6, 30],
    [undefined, 6, undefined],
    [undefined, 12.5, undefined],
  ])
})

test('bytes are named so, once', () => {
  const data = { kind: 'gauge' as const, points: [{ ...times, attributes: {}, value: 1 }] }
  expect(one({ name: 'throughline.spool.pending', unit: 'By', data }).name).toBe(
    'throughline_spool_pending_bytes',
  )
  expect(one({ name: 'x.bytes', unit: 'By', data }).name).toBe('x_bytes')
})

const number = (value: number, attributes = {}) => [{ ...times, attributes, value }]
const counter = (name: string, value: number, attributes = {}): ScopeMetrics['metrics'][number] => ({
  name,
  data: { kind: 'sum', monotonic: true, temporality: 'cumulative', points: number(value, attributes) },
})
const gauge = (name: string, value: number): ScopeMetrics['metrics'][number] => ({
  name,
  data: { kind: 'gauge', points: number(value) },
})

test.each<[string, ScopeMetrics['metrics'], string]>([
  ['a.b and a_b', [counter('a.b', 1), counter('a_b', 2)], 'a_b of s: a_b is taken on the page'],
  [
    'a counter and a gauge of one name',
    [counter('a.b', 1), gauge('a.b', 2)],
    'a.b of s: a_b is taken on the page',
  ],
  [
    'a counter and a gauge named like its sample',
    [counter('a', 1), gauge('a_total', 2)],
    'a_total of s: a_total is taken on the page',
  ],
  ['one metric twice with one set of labels', [counter('a', 1), counter('a', 2)], 'a of s: a comes twice'],
])('%s: the first one stays, the second is refused and named', (_, metrics, expected) => {
  const refused: string[] = []
  const families = readOpenMetrics(toOpenMetrics([{ scope, metrics }], (what) => refused.push(what)))
  expect(families.flatMap((family) => family.samples.map(({ value }) => value))).toEqual([1])
  expect(refused).toEqual([expected])
})

test('one metric of two scopes is one family where the scope is a label', () => {
  const refused: string[] = []
  const scopes = ['one', 'two'].map((name) => ({
    scope: { name, version: '' },
    metrics: [counter('a', 1)],
    labelled: true,
  }))
  const [family] = readOpenMetrics(toOpenMetrics(scopes, (what) => refused.push(what)))
  expect(family?.samples.map(({ labels }) => labels.otel_scope_name)).toEqual(['one', 'two'])
  expect(refused).toEqual([])
})

test('a counter whose name ends in _total is not totalled twice', () => {
  expect(one(counter('orders.total', 1))).toMatchObject({
    name: 'orders',
    samples: [{ name: 'orders_total' }],
  })
})

test('names and labels that begin with a digit, labels that become one, and endless values are written validly', () => {
  const family = one(counter('4xx', 1, { 'a.b': 1, a_b: 2, '5xx': true }))
  expect(family).toMatchObject({ name: '_4xx', samples: [{ labels: { a_b: '1;2', _5xx: 'true' } }] })
  expect(one(gauge('g', Number.NEGATIVE_INFINITY)).samples[0]?.value).toBe(Number.NEGATIVE_INFINITY)
})
