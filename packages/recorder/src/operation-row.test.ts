import type { Attributes, Span } from '@throughline/otlp'
import { toOperationRow } from '@throughline/postgres/span-row'
import { describe, expect, test } from 'vitest'

const aSpan = (changes: Partial<Span> = {}): Span => ({
  traceId: '5b8efff798038103d269b633813fc60c',
  spanId: 'eee19b7ec3c1b174',
  name: 'Billing.charge',
  startTimeUnixNano: 1_763_683_200_000_001_999n,
  endTimeUnixNano: 1_763_683_200_250_002_998n,
  attributes: {},
  ...changes,
})
const rowOf = (changes: Partial<Span> = {}, resource: Attributes = {}) =>
  toOperationRow(aSpan(changes), resource).row

describe('a span becomes a row', () => {
  test('with nothing but what the contract requires', () => {
    expect(rowOf()).toEqual({
      startedAtUs: 1_763_683_200_000_001n,
      traceId: '5b8efff798038103d269b633813fc60c',
      spanId: 'eee19b7ec3c1b174',
      parentSpanId: null,
      correlationId: '5b8efff798038103d269b633813fc60c',
      service: 'unknown_service',
      serviceVersion: null,
      operationService: 'Billing',
      operation: 'charge',
      userId: null,
      durationUs: 250_000n,
      success: true,
      errorType: null,
      errorMessage: null,
      errorStack: null,
      metadata: null,
      business: null,
      instance: null,
      seq: null,
    })
  })

  test('with every attribute that the contract names', () => {
    const instance = '018f6a2e-7c1b-7d3e-9a51-0123456789ab'
    const row = rowOf(
      {
        parentSpanId: '00f067aa0ba902b7',
        attributes: {
          'correlation.id': 'order-4711',
          'operation.service': 'Payments',
          'operation.name': 'take',
          'user.id': 42,
          'error.type': 'CardDeclined',
          'throughline.instance': instance,
          'throughline.seq': 7,
          'throughline.business': '[{"name":"business.value","labels":{"currency":"USD"},"value":"-129.90"}]',
        },
        status: { code: 2, message: 'declined' },
        events: [
          { name: 'exception', timeUnixNano: 1n, attributes: { 'exception.message': 'first' } },
          {
            name: 'exception',
            timeUnixNano: 2n,
            attributes: {
              'exception.type': 'Error',
              'exception.message': 'no',
              'exception.stacktrace': 'at x',
            },
          },
          { name: 'retry', timeUnixNano: 3n, attributes: {} },
        ],
      },
      { 'service.name': 'billing', 'service.version': '1.2.3', 'service.instance.id': 'no-uuid' },
    )
    expect(row).toMatchObject({
      parentSpanId: '00f067aa0ba902b7',
      correlationId: 'order-4711',
      service: 'billing',
      serviceVersion: '1.2.3',
      operationService: 'Payments',
      operation: 'take',
      userId: '42',
      success: false,
      errorType: 'CardDeclined',
      errorMessage: 'no',
      errorStack: 'at x',
      instance,
      seq: 7n,
      business: '[{"name":"business.value","labels":{"currency":"USD"},"value":"-129.90"}]',
    })
  })

  test.each([
    ['charge', 'billing', 'charge'],
    ['a.b.c', 'a.b', 'c'],
  ])('the name %s without attributes is service %s, operation %s', (name, operationService, operation) => {
    expect(rowOf({ name }, { 'service.name': 'billing' })).toMatchObject({ operationService, operation })
  })

  test.each<[Attributes[string], string | null]>([
    [42, '42'],
    [2n ** 62n, '4611686018427387904'],
    [1e21, '1000000000000000000000'],
    ['u-1', 'u-1'],
    ['', null],
    [true, null],
  ])('the user ID %s is stored as %s', (value, userId) => {
    expect(rowOf({ attributes: { 'user.id': value } })?.userId).toBe(userId)
  })

  test('a failure without an exception keeps the message of its status', () => {
    expect(rowOf({ status: { code: 2, message: 'none is free' } })).toMatchObject({
      success: false,
      errorType: null,
      errorMessage: 'none is free',
    })
  })

  test('the last exception gives the type when the span names none', () => {
    const attributes = { 'exception.type': 'RangeError' }
    expect(rowOf({ events: [{ name: 'exception', timeUnixNano: 1n, attributes }] })?.errorType).toBe(
      'RangeError',
    )
  })

  test.each<[string, Attributes, string | null]>([
    [
      'scalars keep their type, dots stay in the key',
      { 'metadata.a': 1, 'metadata.b.c': true, 'metadata.d': ['x', 'y'] },
      '{"a":1,"b.c":true,"d":["x","y"]}',
    ],
    [
      'a nested object alone stays as it was written',
      { metadata: ' {"n": 12345678901234567890.10} ' },
      ' {"n": 12345678901234567890.10} ',
    ],
    [
      'keys of the first are written over the second',
      { metadata: '{"a": {"b": 1}, "k": 1}', 'metadata.k': 2 },
      '{"a": {"b": 1}, "k": 1,"k":2}',
    ],
    ['an empty object takes the scalars', { metadata: '{ }', 'metadata.k': 2 }, '{"k":2}'],
    [
      'integers beyond 2^53 keep their digits',
      { 'metadata.n': 9_007_199_254_740_993n },
      '{"n":9007199254740993}',
    ],
    ['NaN is a text', { 'metadata.n': Number.NaN }, '{"n":"NaN"}'],
    [
      'a broken object is kept as text',
      { metadata: '{"a": ', 'metadata.k': 2 },
      '{"_invalid":"{\\"a\\": ","k":2}',
    ],
    ['a list is no object', { metadata: '[1]' }, '{"_invalid":"[1]"}'],
    ['other attributes are not metadata', { metadatax: 1 }, null],
  ])('metadata: %s', (_, attributes, metadata) => {
    expect(rowOf({ attributes })?.metadata).toBe(metadata)
  })

  test('the instance of the resource is taken when the span has none', () => {
    const id = '018F6A2E-7C1B-7D3E-9A51-0123456789AB'
    expect(rowOf({}, { 'service.instance.id': id })?.instance).toBe(id)
  })
})

describe('a span is refused', () => {
  test.each<[string, Partial<Span>, RegExp]>([
    ['without a start', { startTimeUnixNano: 0n }, /start time is missing/],
    ['without an end', { endTimeUnixNano: 0n }, /end time is missing/],
    [
      'that ends a nanosecond before it starts',
      { endTimeUnixNano: 1_763_683_200_000_001_998n },
      /before the start/,
    ],
  ])('%s', (_, changes, reason) => {
    expect(toOperationRow(aSpan(changes), {}).letter?.reason).toMatch(reason)
  })

  test.each([
    'no json',
    '{}',
    '[1]',
    '[{"name":"n","labels":{},"value":129.9}]',
    '[{"name":"n","labels":{},"value":"1e3"}]',
    '[{"name":"n","labels":{},"value":"NaN"}]',
    '[{"name":"n","labels":{"a":1},"value":"1"}]',
    '[{"name":"n","value":"1"}]',
    '[{"labels":{},"value":"1"}]',
  ])('with the business values %s', (business) => {
    const attributes = { 'throughline.business': business, 'metadata.big': 2n ** 60n }
    const { letter } = toOperationRow(aSpan({ attributes }), { 'service.name': 'billing' })
    expect(letter?.reason).toMatch(/throughline.business is not a JSON array/)
    expect(JSON.parse(letter?.body ?? '')).toMatchObject({
      resource: { 'service.name': 'billing' },
      span: { name: 'Billing.charge', attributes: { 'throughline.business': business } },
    })
  })
})
