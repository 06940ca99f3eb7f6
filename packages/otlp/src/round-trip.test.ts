import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Attributes, Metric, Span } from './index.js'
import {
  decodeMetrics,
  decodeTraces,
  encodeMetrics,
  encodeResource,
  encodeSpan,
  encodeTraces,
  OtlpError,
} from './index.js'

const text = fc.string({ unit: 'grapheme', maxLength: 200 })
const hex = (digits: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: digits, maxLength: digits })
    .map((list) => list.join(''))
    .filter((id) => !/^0+$/.test(id))
const time = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const count = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const dropped = fc.option(fc.integer({ min: 1, max: 2 ** 32 - 1 }), { nil: undefined })
// -0 is a safe integer and travels as the integer 0.
const number = fc.oneof(fc.double(), fc.maxSafeInteger()).map((value) => (value === 0 ? 0 : value))
const bigint = fc
  .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  .filter((value) => !Number.isSafeInteger(Number(value)))
const { attributes } = fc.letrec<{ value: Attributes[string]; attributes: Attributes }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    number,
    fc.boolean(),
    fc.constant(null),
    bigint,
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('attributes'),
  ),
  attributes: fc.dictionary(
    fc.oneof(text, fc.constantFrom('__proto__', 'constructor', 'toString')),
    tie('value'),
    {
      maxKeys: 6,
      noNullPrototype: false,
    },
  ),
}))

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const some = <T>(arbitrary: fc.Arbitrary<T>) => optional(fc.array(arbitrary, { minLength: 1, maxLength: 3 }))
const words = fc.string({ minLength: 1, maxLength: 20 })
const span: fc.Arbitrary<Span> = fc.record({
  traceId: hex(32),
  spanId: hex(16),
  parentSpanId: optional(hex(16)),
  traceState: optional(words),
  flags: dropped,
  name: text,
  kind: optional(fc.integer({ min: 1, max: 5 })),
  startTimeUnixNano: time,
  endTimeUnixNano: time,
  attributes,
  droppedAttributesCount: dropped,
  events: some(fc.record({ name: text, timeUnixNano: time, attributes, droppedAttributesCount: dropped })),
  droppedEventsCount: dropped,
  links: some(
    fc.record({ traceId: hex(32), spanId: hex(16), traceState: optional(words), flags: dropped, attributes }),
  ),
  droppedLinksCount: dropped,
  status: optional(
    fc.record({ code: fc.constantFrom(0 as const, 1 as const, 2 as const), message: optional(words) }),
  ),
})

const exemplars = some(
  fc.record({
    timeUnixNano: time,
    value: fc.oneof(fc.double(), bigint),
    traceId: optional(hex(32)),
    spanId: optional(hex(16)),
    attributes: optional(attributes.filter((map) => Object.keys(map).length > 0)),
  }),
)
const point = { attributes, startTimeUnixNano: time, timeUnixNano: time, flags: dropped }
const numberPoints = fc.array(
  fc.record({ ...point, value: fc.oneof(fc.double(), bigint, fc.constant(0n)), exemplars }),
  { maxLength: 3 },
)
const temporality = fc.constantFrom('cumulative' as const, 'delta' as const, 'unspecified' as const)
const distribution = {
  ...point,
  count,
  sum: optional(fc.double()),
  min: optional(fc.double()),
  max: optional(fc.double()),
  exemplars,
}
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const buckets = fc.record({ offset: int32, bucketCounts: fc.array(count) })
const metric: fc.Arbitrary<Metric> = fc.record({
  name: text,
  description: optional(words),
  unit: optional(words),
  data: fc.oneof(
    fc.record({
      kind: fc.constant('sum' as const),
      monotonic: fc.boolean(),
      temporality,
      points: numberPoints,
    }),
    fc.record({ kind: fc.constant('gauge' as const), points: numberPoints }),
    fc.record({
      kind: fc.constant('histogram' as const),
      temporality,
      points: fc.array(
        fc.record({ ...distribution, bounds: fc.array(fc.double()), bucketCounts: fc.array(count) }),
        { maxLength: 3 },
      ),
    }),
    fc.record({
      kind: fc.constant('exponentialHistogram' as const),
      temporality,
      points: fc.array(
        fc.record({
          ...distribution,
          scale: int32,
          zeroCount: count,
          zeroThreshold: optional(fc.constant(0.5)),
          positive: buckets,
          negative: buckets,
        }),
        { maxLength: 2 },
      ),
    }),
    fc.record({
      kind: fc.constant('summary' as const),
      points: fc.array(
        fc.record({
          ...point,
          count,
          sum: fc.double(),
          quantiles: fc.array(fc.record({ quantile: fc.double(), value: fc.double() }), { maxLength: 3 }),
        }),
        { maxLength: 2 },
      ),
    }),
    fc.record({ kind: fc.constant('none' as const) }),
  ),
})
const scope = fc.record({ name: text, version: optional(words) })

describe('whatever is encoded', () => {
  test('comes back as the same spans', () => {
    fc.assert(
      fc.property(attributes, scope, fc.array(span, { maxLength: 4 }), (resource, scope, spans) => {
        const body = encodeTraces({ resource: encodeResource(resource), scope, spans: spans.map(encodeSpan) })
        expect(decodeTraces(body, 'protobuf')).toEqual([{ resource, scopes: [{ scope, spans }] }])
      }),
    )
  })

  test('comes back as the same metrics', () => {
    fc.assert(
      fc.property(attributes, scope, fc.array(metric, { maxLength: 3 }), (resource, scope, metrics) => {
        const body = encodeMetrics({ resource: encodeResource(resource), scope, metrics })
        expect(decodeMetrics(body, 'protobuf')).toEqual([{ resource, scopes: [{ scope, metrics }] }])
      }),
    )
  })

  test('keeps its bytes when more is encoded after it', () => {
    fc.assert(
      fc.property(fc.array(span, { minLength: 2, maxLength: 6 }), (spans) => {
        const first = spans.map((each) => Buffer.from(encodeSpan(each)).toString('hex'))
        const kept = spans.map(encodeSpan)
        expect(kept.map((bytes) => Buffer.from(bytes).toString('hex'))).toEqual(first)
      }),
    )
  })
})

describe('a damaged request is decoded or refused with an OtlpError, never anything else', () => {
  const damage = fc.array(fc.record({ at: fc.nat(), byte: fc.nat({ max: 255 }) }), { maxLength: 4 })
  const damaged = (body: Uint8Array, changes: { at: number; byte: number }[], cut: number): Uint8Array => {
    const copy = new Uint8Array(body)
    for (const { at, byte } of changes) if (copy.length > 0) copy[at % copy.length] = byte
    return copy.subarray(0, copy.length - (cut % (copy.length + 1)))
  }
  const survives = (decode: () => unknown) => {
    try {
      decode()
    } catch (error) {
      expect(error).toBeInstanceOf(OtlpError)
    }
  }

  test('spans as protobuf', () => {
    fc.assert(
      fc.property(span, attributes, damage, fc.nat({ max: 40 }), (one, resource, changes, cut) => {
        const body = encodeTraces({
          resource: encodeResource(resource),
          scope: { name: 's' },
          spans: [encodeSpan(one)],
        })
        survives(() => decodeTraces(damaged(body, changes, cut), 'protobuf'))
      }),
      { numRuns: 2_000 },
    )
  })

  test('metrics as protobuf', () => {
    fc.assert(
      fc.property(metric, damage, fc.nat({ max: 40 }), (one, changes, cut) => {
        const body = encodeMetrics({ resource: new Uint8Array(), scope: { name: 's' }, metrics: [one] })
        survives(() => decodeMetrics(damaged(body, changes, cut), 'protobuf'))
      }),
      { numRuns: 2_000 },
    )
  })

  test('bytes that were never OTLP', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        survives(() => decodeTraces(bytes, 'protobuf'))
        survives(() => decodeMetrics(bytes, 'protobuf'))
        survives(() => decodeTraces(bytes, 'json'))
      }),
      { numRuns: 2_000 },
    )
  })

  test('JSON of the right keys with values of any type', () => {
    const keys = fc.constantFrom(
      ...[
        'resourceSpans',
        'resourceMetrics',
        'resource',
        'scopeSpans',
        'scopeMetrics',
        'scope',
        'spans',
        'metrics',
      ],
      ...[
        'attributes',
        'key',
        'value',
        'name',
        'traceId',
        'status',
        'code',
        'events',
        'links',
        'kind',
        'sum',
        'histogram',
      ],
      ...[
        'dataPoints',
        'bucketCounts',
        'exemplars',
        'asInt',
        'arrayValue',
        'kvlistValue',
        'values',
        'intValue',
        'bytesValue',
      ],
    )
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 9, depthSize: 'max' },
        fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.constant(null), fc.maxSafeInteger()),
        fc.array(tie('value'), { maxLength: 2 }),
        fc.dictionary(keys, tie('value'), { maxKeys: 6 }),
      ),
    }))
    fc.assert(
      fc.property(value, (inner) => {
        const spans = { resourceSpans: [{ scopeSpans: [{ spans: [inner] }] }] }
        const metrics = { resourceMetrics: [{ scopeMetrics: [{ metrics: [inner] }] }] }
        survives(() => decodeTraces(Buffer.from(JSON.stringify(inner) ?? ''), 'json'))
        survives(() => decodeTraces(Buffer.from(JSON.stringify(spans)), 'json'))
        survives(() => decodeMetrics(Buffer.from(JSON.stringify(metrics)), 'json'))
      }),
      { numRuns: 2_000 },
    )
  })
})
