import protobuf from 'protobufjs'
import { describe, expect, test } from 'vitest'
import type { Metric, Span } from './index.js'
import {
  decodeMetrics,
  decodeTraces,
  encodeMetrics,
  encodeResource,
  encodeSpan,
  encodeTraces,
} from './index.js'

// The messages of OTLP 1.x as protobufjs reads them: a second implementation that shares nothing with ours.
const { root } = protobuf.parse(
  `syntax = "proto3";
  message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
    ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7; } }
  message ArrayValue { repeated AnyValue values = 1; }
  message KeyValueList { repeated KeyValue values = 1; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message Scope { string name = 1; string version = 2; repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4; }
  message Resource { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; }
  message Traces { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3; }
  message ScopeSpans { Scope scope = 1; repeated Span spans = 2; string schema_url = 3; }
  message Span { bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; fixed32 flags = 16;
    string name = 5; int32 kind = 6; fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
    repeated KeyValue attributes = 9; uint32 dropped_attributes_count = 10; repeated Event events = 11;
    uint32 dropped_events_count = 12; repeated Link links = 13; uint32 dropped_links_count = 14; Status status = 15; }
  message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4; }
  message Link { bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; repeated KeyValue attributes = 4;
    uint32 dropped_attributes_count = 5; fixed32 flags = 6; }
  message Status { string message = 2; int32 code = 3; }
  message Metrics { repeated ResourceMetrics resource_metrics = 1; }
  message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; string schema_url = 3; }
  message ScopeMetrics { Scope scope = 1; repeated Metric metrics = 2; string schema_url = 3; }
  message Metric { string name = 1; string description = 2; string unit = 3; oneof data { Gauge gauge = 5; Sum sum = 7;
    Histogram histogram = 9; ExponentialHistogram exponential_histogram = 10; Summary summary = 11; } repeated KeyValue metadata = 12; }
  message Gauge { repeated NumberPoint data_points = 1; }
  message Sum { repeated NumberPoint data_points = 1; int32 aggregation_temporality = 2; bool is_monotonic = 3; }
  message Histogram { repeated HistogramPoint data_points = 1; int32 aggregation_temporality = 2; }
  message ExponentialHistogram { repeated ExponentialPoint data_points = 1; int32 aggregation_temporality = 2; }
  message Summary { repeated SummaryPoint data_points = 1; }
  message NumberPoint { repeated KeyValue attributes = 7; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3;
    oneof value { double as_double = 4; sfixed64 as_int = 6; } repeated Exemplar exemplars = 5; uint32 flags = 8; }
  message HistogramPoint { repeated KeyValue attributes = 9; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3;
    fixed64 count = 4; optional double sum = 5; repeated fixed64 bucket_counts = 6; repeated double explicit_bounds = 7;
    repeated Exemplar exemplars = 8; uint32 flags = 10; optional double min = 11; optional double max = 12; }
  message ExponentialPoint { repeated KeyValue attributes = 1; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3;
    fixed64 count = 4; optional double sum = 5; sint32 scale = 6; fixed64 zero_count = 7; Buckets positive = 8; Buckets negative = 9;
    uint32 flags = 10; repeated Exemplar exemplars = 11; optional double min = 12; optional double max = 13; double zero_threshold = 14; }
  message Buckets { sint32 offset = 1; repeated uint64 bucket_counts = 2; }
  message SummaryPoint { repeated KeyValue attributes = 7; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3;
    fixed64 count = 4; double sum = 5; repeated Quantile quantile_values = 6; uint32 flags = 8; }
  message Quantile { double quantile = 1; double value = 2; }
  message Exemplar { repeated KeyValue filtered_attributes = 7; fixed64 time_unix_nano = 2;
    oneof value { double as_double = 3; sfixed64 as_int = 6; } bytes span_id = 4; bytes trace_id = 5; }`,
)

const traceId = '5b8efff798038103d269b633813fc60c'
const spanId = 'eee19b7ec3c1b174'
const parentSpanId = 'eee19b7ec3c1b173'
const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64')

function read(message: string, bytes: Uint8Array): unknown {
  return root
    .lookupType(message)
    .toObject(root.lookupType(message).decode(bytes), { longs: String, bytes: String })
}

function write(message: string, object: object): Uint8Array {
  const type = root.lookupType(message)
  return type.encode(type.fromObject(object)).finish()
}

const span: Span = {
  traceId,
  spanId,
  parentSpanId,
  traceState: 'vendor=1',
  flags: 0x301,
  name: 'AllocationService.autoAllocate',
  kind: 2,
  startTimeUnixNano: 1_763_000_000_123_456_789n,
  endTimeUnixNano: 2n ** 64n - 1n,
  attributes: {
    text: 'x'.repeat(300),
    short: 'Köln 🚗',
    '': 'empty key',
    int: 129,
    negative: -1,
    large: Number.MAX_SAFE_INTEGER,
    lowest: -(2n ** 63n),
    highest: 2n ** 63n - 1n,
    double: 1.5,
    yes: true,
    no: false,
    nothing: null,
    bytes: new Uint8Array([0, 255]),
    list: [1, 'two', [false]],
    map: { inner: { deep: 0 } },
  },
  droppedAttributesCount: 300,
  events: [
    {
      name: 'exception',
      timeUnixNano: 5n,
      attributes: { 'exception.type': 'Error' },
      droppedAttributesCount: 1,
    },
  ],
  droppedEventsCount: 2,
  links: [{ traceId, spanId, traceState: 'a=b', flags: 1, attributes: { a: 1 }, droppedAttributesCount: 4 }],
  droppedLinksCount: 3,
  status: { code: 2, message: 'no free dyno' },
}

const spanOfOracle = {
  traceId: base64(traceId),
  spanId: base64(spanId),
  parentSpanId: base64(parentSpanId),
  traceState: 'vendor=1',
  flags: 0x301,
  name: 'AllocationService.autoAllocate',
  kind: 2,
  startTimeUnixNano: '1763000000123456789',
  endTimeUnixNano: '18446744073709551615',
  attributes: [
    { key: 'text', value: { stringValue: 'x'.repeat(300) } },
    { key: 'short', value: { stringValue: 'Köln 🚗' } },
    { value: { stringValue: 'empty key' } },
    { key: 'int', value: { intValue: '129' } },
    { key: 'negative', value: { intValue: '-1' } },
    { key: 'large', value: { intValue: '9007199254740991' } },
    { key: 'lowest', value: { intValue: '-9223372036854775808' } },
    { key: 'highest', value: { intValue: '9223372036854775807' } },
    { key: 'double', value: { doubleValue: 1.5 } },
    { key: 'yes', value: { boolValue: true } },
    { key: 'no', value: { boolValue: false } },
    { key: 'nothing', value: {} },
    { key: 'bytes', value: { bytesValue: 'AP8=' } },
    {
      key: 'list',
      value: {
        arrayValue: {
          values: [
            { intValue: '1' },
            { stringValue: 'two' },
            { arrayValue: { values: [{ boolValue: false }] } },
          ],
        },
      },
    },
    {
      key: 'map',
      value: {
        kvlistValue: {
          values: [
            { key: 'inner', value: { kvlistValue: { values: [{ key: 'deep', value: { intValue: '0' } }] } } },
          ],
        },
      },
    },
  ],
  droppedAttributesCount: 300,
  events: [
    {
      name: 'exception',
      timeUnixNano: '5',
      attributes: [{ key: 'exception.type', value: { stringValue: 'Error' } }],
      droppedAttributesCount: 1,
    },
  ],
  droppedEventsCount: 2,
  links: [
    {
      traceId: base64(traceId),
      spanId: base64(spanId),
      traceState: 'a=b',
      flags: 1,
      attributes: [{ key: 'a', value: { intValue: '1' } }],
      droppedAttributesCount: 4,
    },
  ],
  droppedLinksCount: 3,
  status: { code: 2, message: 'no free dyno' },
}

const exemplars = [
  { timeUnixNano: 9n, value: 0.25, traceId, spanId, attributes: { 'correlation.id': 'order-4711' } },
  { timeUnixNano: 10n, value: -3n },
]
const exemplarsOfOracle = [
  {
    timeUnixNano: '9',
    asDouble: 0.25,
    traceId: base64(traceId),
    spanId: base64(spanId),
    filteredAttributes: [{ key: 'correlation.id', value: { stringValue: 'order-4711' } }],
  },
  { timeUnixNano: '10', asInt: '-3' },
]
const times = { startTimeUnixNano: 1n, timeUnixNano: 2n }
const timesOfOracle = { startTimeUnixNano: '1', timeUnixNano: '2' }
const attributes = { site: 'cologne' }
const attributesOfOracle = [{ key: 'site', value: { stringValue: 'cologne' } }]
const bounds = [0.0005, 0.001, 60]
const bucketCounts = [1, 0, 2 ** 40, 7]

const metrics: Metric[] = [
  {
    name: 'a.sum',
    description: 'all of it',
    unit: 'USD',
    data: {
      kind: 'sum',
      monotonic: true,
      temporality: 'cumulative',
      points: [
        { ...times, attributes, value: 129.9, exemplars, flags: 1 },
        { ...times, attributes: {}, value: 0n },
        { ...times, attributes: {}, value: -(2n ** 63n) },
        { ...times, attributes: {}, value: 0 },
      ],
    },
  },
  { name: 'a.gauge', data: { kind: 'gauge', points: [{ ...times, attributes, value: Number.NaN }] } },
  {
    name: 'a.histogram',
    data: {
      kind: 'histogram',
      temporality: 'delta',
      points: [
        {
          ...times,
          attributes,
          count: 2 ** 40 + 8,
          sum: 0,
          min: 0,
          max: 61.5,
          bounds,
          bucketCounts,
          exemplars,
        },
      ],
    },
  },
  {
    name: 'an.exponential',
    data: {
      kind: 'exponentialHistogram',
      temporality: 'cumulative',
      points: [
        {
          ...times,
          attributes,
          count: 9,
          sum: 12.5,
          min: -1,
          max: 9,
          scale: -3,
          zeroCount: 1,
          zeroThreshold: 0.125,
          positive: { offset: 7, bucketCounts: [1, 300, 2 ** 45] },
          negative: { offset: -(2 ** 31), bucketCounts: [0, 5] },
          exemplars,
        },
      ],
    },
  },
  {
    name: 'a.summary',
    data: {
      kind: 'summary',
      points: [{ ...times, attributes, count: 3, sum: 4.5, quantiles: [{ quantile: 0.5, value: 1.5 }] }],
    },
  },
  { name: 'nothing', data: { kind: 'none' } },
]

const metricsOfOracle = [
  {
    name: 'a.sum',
    description: 'all of it',
    unit: 'USD',
    sum: {
      isMonotonic: true,
      aggregationTemporality: 2,
      dataPoints: [
        {
          ...timesOfOracle,
          attributes: attributesOfOracle,
          asDouble: 129.9,
          exemplars: exemplarsOfOracle,
          flags: 1,
        },
        { ...timesOfOracle, asInt: '0' },
        { ...timesOfOracle, asInt: '-9223372036854775808' },
        { ...timesOfOracle, asDouble: 0 },
      ],
    },
  },
  {
    name: 'a.gauge',
    gauge: { dataPoints: [{ ...timesOfOracle, attributes: attributesOfOracle, asDouble: Number.NaN }] },
  },
  {
    name: 'a.histogram',
    histogram: {
      aggregationTemporality: 1,
      dataPoints: [
        {
          ...timesOfOracle,
          attributes: attributesOfOracle,
          count: '1099511627784',
          sum: 0,
          min: 0,
          max: 61.5,
          explicitBounds: bounds,
          bucketCounts: ['1', '0', '1099511627776', '7'],
          exemplars: exemplarsOfOracle,
        },
      ],
    },
  },
  {
    name: 'an.exponential',
    exponentialHistogram: {
      aggregationTemporality: 2,
      dataPoints: [
        {
          ...timesOfOracle,
          attributes: attributesOfOracle,
          count: '9',
          sum: 12.5,
          min: -1,
          max: 9,
          scale: -3,
          zeroCount: '1',
          zeroThreshold: 0.125,
          positive: { offset: 7, bucketCounts: ['1', '300', '35184372088832'] },
          negative: { offset: -2147483648, bucketCounts: ['0', '5'] },
          exemplars: exemplarsOfOracle,
        },
      ],
    },
  },
  {
    name: 'a.summary',
    summary: {
      dataPoints: [
        {
          ...timesOfOracle,
          attributes: attributesOfOracle,
          count: '3',
          sum: 4.5,
          quantileValues: [{ quantile: 0.5, value: 1.5 }],
        },
      ],
    },
  },
  { name: 'nothing' },
]

const scope = {
  name: 'throughline.operations',
  version: '1.2.3',
  attributes: { a: true },
  droppedAttributesCount: 2,
}
const scopeOfOracle = {
  name: 'throughline.operations',
  version: '1.2.3',
  attributes: [{ key: 'a', value: { boolValue: true } }],
  droppedAttributesCount: 2,
}
const resource = { 'service.name': 'billing' }
const resourceOfOracle = { attributes: [{ key: 'service.name', value: { stringValue: 'billing' } }] }
const tracesOfOracle = {
  resourceSpans: [
    {
      resource: resourceOfOracle,
      scopeSpans: [{ scope: scopeOfOracle, spans: [spanOfOracle, spanOfOracle] }],
    },
  ],
}
const metricsRequestOfOracle = {
  resourceMetrics: [
    { resource: resourceOfOracle, scopeMetrics: [{ scope: scopeOfOracle, metrics: metricsOfOracle }] },
  ],
}

describe('another protobuf implementation', () => {
  test('reads every field of a span that was encoded here', () => {
    expect(read('Span', encodeSpan(span))).toEqual(spanOfOracle)
  })

  test('reads a traces request that was put together from encoded parts', () => {
    const spans = [encodeSpan(span), encodeSpan(span)]
    const request = encodeTraces({ resource: encodeResource(resource), scope, spans })
    expect(read('Traces', request)).toEqual(tracesOfOracle)
  })

  test('reads every kind of metric that was encoded here, exemplars included', () => {
    const request = encodeMetrics({ resource: encodeResource(resource), scope, metrics })
    expect(read('Metrics', request)).toEqual(metricsRequestOfOracle)
  })

  test('writes traces that are decoded here', () => {
    expect(decodeTraces(write('Traces', tracesOfOracle), 'protobuf')).toEqual([
      { resource, scopes: [{ scope, spans: [span, span] }] },
    ])
  })

  test('writes metrics that are decoded here', () => {
    expect(decodeMetrics(write('Metrics', metricsRequestOfOracle), 'protobuf')).toEqual([
      { resource, scopes: [{ scope, metrics }] },
    ])
  })
})

describe('the JSON form of the same request', () => {
  const hexIds = (_: string, value: unknown) =>
    value === base64(traceId)
      ? traceId
      : value === base64(spanId)
        ? spanId
        : value === base64(parentSpanId)
          ? parentSpanId
          : Number.isNaN(value)
            ? 'NaN'
            : value

  test('decodes to the same traces', () => {
    const body = Buffer.from(JSON.stringify(tracesOfOracle, hexIds))
    expect(decodeTraces(body, 'json')).toEqual(decodeTraces(write('Traces', tracesOfOracle), 'protobuf'))
  })

  test('decodes to the same metrics', () => {
    const body = Buffer.from(JSON.stringify(metricsRequestOfOracle, hexIds))
    expect(decodeMetrics(body, 'json')).toEqual(
      decodeMetrics(write('Metrics', metricsRequestOfOracle), 'protobuf'),
    )
  })
})
