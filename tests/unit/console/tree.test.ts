import { expect, test } from 'vitest'
import { treeOf } from '../../../packages/recorder/console/parts/tree.js'
import type { Operation } from '../../../packages/recorder/src/client.js'

const start = '2026-11-22T04:00:00.000000Z'

const operation = (spanId: string, parentSpanId: string | null, ms = 0): Operation => ({
  startedAt: new Date(Date.parse(start) + ms).toISOString(),
  recordedAt: start,
  traceId: '0'.repeat(32),
  spanId,
  parentSpanId,
  correlationId: 'order-4711',
  service: 'billing',
  serviceVersion: null,
  operationService: 'Billing',
  operation: 'charge',
  userId: null,
  durationMs: 1,
  success: true,
  errorType: null,
  errorMessage: null,
  metadata: null,
  business: [],
  jaegerUrl: null,
})

const shown = (operations: readonly Operation[]): string[] =>
  treeOf(operations, start).map(({ operation: { spanId }, depth }) => `${'·'.repeat(depth)}${spanId}`)

test('callers stand before what they called, else by start', () => {
  const rows = [
    operation('a', null),
    operation('b', 'a', 1),
    operation('c', 'b', 2),
    operation('d', null, 3),
    operation('e', 'a', 4),
  ]
  expect(shown(rows)).toEqual(['a', '·b', '··c', '·e', 'd'])
  expect(treeOf(rows, start).map(({ fromMs }) => fromMs)).toEqual([0, 1, 2, 4, 3])
})

test('a parent that is no operation leaves its children at the top', () => {
  expect(shown([operation('a', 'http'), operation('b', 'a')])).toEqual(['a', '·b'])
})

test('rows that name each other, or themselves, are each shown once', () => {
  expect(shown([operation('a', 'b'), operation('b', 'a'), operation('c', 'c')]).sort()).toEqual(
    ['a', 'c', '·b'].sort(),
  )
})

test('two rows of one span are both shown', () => {
  expect(shown([operation('a', null), operation('a', null, 1), operation('b', 'a', 2)])).toEqual([
    'a',
    '·b',
    'a',
  ])
})

test('a chain of a hundred thousand needs no stack', () => {
  const chain = Array.from({ length: 100_000 }, (_, at) =>
    operation(`${at}`, at === 0 ? null : `${at - 1}`, at),
  )
  expect(treeOf(chain, start).at(-1)?.depth).toBe(99_999)
})
