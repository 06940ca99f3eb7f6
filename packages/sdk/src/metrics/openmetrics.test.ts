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
