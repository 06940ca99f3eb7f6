import { Operation, type OperationNames, unixNano } from '@throughline/core/runtime'
import { beforeEach, expect, test } from 'vitest'
import { createNotices, type Notices } from '../notices.js'
import { DURATION_BOUNDS } from './buckets.js'
import { createOperationMetrics, type OperationMetrics } from './operations.js'
import type { HistogramPoint, NumberPoint } from './points.js'

let notices: Notices
let metrics: OperationMetrics
beforeEach(() => {
  notices = createNotices(() => {})
  metrics = createOperationMetrics('tests', notices)
})

const times = { startTimeUnixNano: 1n, timeUnixNano: 2n }
const named = (service: string | undefined, operation: string): OperationNames => ({
  service,
  operation,
  spanName: `${service}.${operation}`,
})

interface Ended {
  durationMs?: number
  errorType?: string
  outcome?: Operation['outcome']
  traceFlags?: number
  correlationId?: string
}

function run(names: OperationNames, ended: Ended = {}): Operation {
  const operation = new Operation({
    recorded: true,
    names,
    traceId: 'a'.repeat(32),
    spanId: 'b'.repeat(16),
    parentSpanId: undefined,
    traceFlags: ended.traceFlags ?? 1,
    traceState: undefined,
    span: undefined,
    correlationId: ended.correlationId ?? 'order-1',
    userId: undefined,
    startSteadyMs: 0,
  })
  metrics.started(operation)
  operation.durationMs = ended.durationMs ?? 1
  operation.outcome = ended.outcome ?? (ended.errorType === undefined ? 'success' : 'failure')
  if (ended.errorType !== undefined)
    operation.failure = { type: ended.errorType, message: '', stack: undefined }
  metrics.ended(operation)
  return operation
}

function durations(): HistogramPoint[] {
  const data = metrics.collect(times)[0]?.data
  return data?.kind === 'histogram' ? data.points : []
}

function active(): NumberPoint[] {
  const data = metrics.collect(times)[1]?.data
  return data?.kind === 'sum' ? data.points : []
}

test('a duration on a bound belongs to the bucket it closes', () => {
  const names = named('A', 'b')
  for (const ms of [0, 0.5, 0.500001, 1, 60_000, 60_001]) run(names, { durationMs: ms })
  const [point] = durations()
  expect(point?.bounds).toEqual(DURATION_BOUNDS)
  expect(point?.bucketCounts).toEqual([2, 2, ...new Array(13).fill(0), 1, 1])
  expect(point).toMatchObject({ count: 6, min: 0, max: 60.001 })
  expect(point?.sum).toBeCloseTo(120.003, 3)
})

test('series: success, each type of error, a failure without one, and abandoned', () => {
  const names = named(undefined, 'b')
  run(names)
  run(names, { errorType: 'TypeError' })
  run(names, { outcome: 'failure' })
  run(names, { outcome: 'abandoned' })
  const labels = { 'operation.service': 'tests', 'operation.name': 'b' }
  expect(durations().map((one) => one.attributes)).toEqual([
    { ...labels, outcome: 'success' },
    { ...labels, outcome: 'failure', 'error.type': 'TypeError' },
    { ...labels, outcome: 'failure' },
    { ...labels, outcome: 'abandoned' },
  ])
})

test('functions that bear one name share their series, however often they are wrapped', () => {
  for (let i = 0; i < 3_000; i += 1) run(named('A', 'b'))
  expect(durations()).toHaveLength(1)
  expect(durations()[0]?.count).toBe(3_000)
  expect(active()).toHaveLength(1)
  expect(notices.counts().size).toBe(0)
})

test('names made at run time end in one overflow series, counted', () => {
  for (let i = 0; i < 2_100; i += 1) run(named('A', `b${i}`), { errorType: i < 5 ? 'E' : undefined! })
  const points = durations()
  expect(points.length).toBeLessThanOrEqual(2_001)
  const overflow = points.find((one) => one.attributes['otel.metric.overflow'] === 'true')
  expect(overflow?.count).toBeGreaterThan(90)
  expect(points.reduce((sum, one) => sum + one.count, 0)).toBe(2_100)
  expect(notices.counts().get('series_overflow')).toBeGreaterThan(90)
})

test('an operation has 20 types of errors, the rest is `other`', () => {
  const names = named('A', 'b')
  for (let i = 0; i < 30; i += 1) run(names, { errorType: `E${i}` })
  const types = durations().map((one) => one.attributes['error.type'])
  expect(types).toHaveLength(21)
  expect(durations().at(-1)).toMatchObject({ count: 10, attributes: { 'error.type': 'other' } })
})

test('active counts what has begun and not ended', () => {
  const names = named('A', 'b')
  run(names)
  metrics.started(run(names))
  expect(active()).toMatchObject([
    { value: 1, attributes: { 'operation.service': 'A', 'operation.name': 'b' } },
  ])
})

test('each bucket keeps an exemplar with its IDs; a sampled one is not replaced by an unsampled one for a minute', () => {
  const names = named('A', 'b')
  run(names, { durationMs: 2, correlationId: 'sampled' })
  run(names, { durationMs: 2.1, correlationId: 'not', traceFlags: 0 })
  run(names, { durationMs: 200, correlationId: 'other-bucket', traceFlags: 0 })
  expect(durations()[0]?.exemplars).toEqual([
    {
      value: 0.002,
      timeUnixNano: unixNano(2),
      traceId: 'a'.repeat(32),
      spanId: 'b'.repeat(16),
      attributes: { 'correlation.id': 'sampled' },
    },
    expect.objectContaining({ attributes: { 'correlation.id': 'other-bucket' } }),
  ])
})

test('a correlation ID too long for an exemplar is left out of it, and counted', () => {
  run(named('A', 'b'), { correlationId: 'x'.repeat(52) })
  expect(durations()[0]?.exemplars?.[0]?.attributes).toEqual({})
  expect(notices.counts().get('exemplar_label_dropped')).toBe(1)
})

test('failed and abandoned operations are to be kept, of successes the slow ones', () => {
  metrics = createOperationMetrics('tests', notices, 50)
  const names = named('A', 'b')
  const kept = (ended: Ended) => {
    const operation = run(names, ended)
    metrics.started(operation)
    return metrics.ended(operation)
  }
  expect(kept({ errorType: 'RangeError', durationMs: 1 })).toBe(true)
  expect(kept({ outcome: 'abandoned', durationMs: 1 })).toBe(true)
  expect(kept({ durationMs: 51 })).toBe(true)
  expect(kept({ durationMs: 50 })).toBe(false)
})

test('each kind of operation has a p99 of its own', () => {
  const [quick, slow] = [named('A', 'quick'), named('A', 'slow')]
  for (let i = 0; i < 200; i += 1) {
    run(quick, { durationMs: 1 + (i % 10) / 10 })
    run(slow, { durationMs: 1_000 + i })
  }
  const operation = run(quick, { durationMs: 1 })
  metrics.started(operation)
  operation.durationMs = 100
  expect(metrics.ended(operation)).toBe(true)
  metrics.started(operation)
  operation.durationMs = 0.5
  expect(metrics.ended(operation)).toBe(false)
})

test('an operation outside of every span has no exemplar: there is no trace to lead to', () => {
  const init = {
    recorded: false,
    parentSpanId: undefined,
    traceState: undefined,
    span: undefined,
    userId: undefined,
  }
  const operation = new Operation({
    ...init,
    names: named('A', 'counted'),
    traceId: '',
    spanId: '',
    traceFlags: 0,
    correlationId: '',
    startSteadyMs: 0,
  })
  metrics.started(operation)
  metrics.ended(operation)
  expect(durations()).toMatchObject([{ count: 1, exemplars: [] }])
})
