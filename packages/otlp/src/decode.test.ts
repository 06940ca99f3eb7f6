import { describe, expect, test } from 'vitest'
import type { Attributes, Span } from './index.js'
import {
  decodeMetrics,
  decodeTraces,
  encodeMetrics,
  encodeResource,
  encodeSpan,
  encodeTraces,
  OtlpError,
} from './index.js'

const base: Span = {
  traceId: '5b8efff798038103d269b633813fc60c',
  spanId: 'eee19b7ec3c1b174',
  name: 'Billing.charge',
  startTimeUnixNano: 1n,
  endTimeUnixNano: 2n,
  attributes: {},
}
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const json = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
const field = (tag: number, inner: Uint8Array) =>
  Buffer.concat([hex(tag.toString(16).padStart(2, '0')), varint(inner.length), inner])
/** A request of one span with these bytes. */
const requestOf = (span: Uint8Array) => field(0x0a, field(0x12, field(0x12, span)))
const jsonOf = (span: object) => json({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] })
const only = (request: ReturnType<typeof decodeTraces>) => request[0]?.scopes[0]?.spans[0]

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128)
  return Buffer.from([...bytes, value])
}

function refusal(decode: () => unknown): { code: string; message: string } {
  try {
    decode()
  } catch (error) {
    if (error instanceof OtlpError) return { code: error.code, message: error.message }
    throw error
  }
  throw new Error('was decoded')
}

describe('protobuf that is refused', () => {
  test.each([
    ['a length beyond the body', '0a ff ff ff ff 0f', 'a length beyond the end of its message (byte 1)'],
    ['a length of 2^35', '0a 80 80 80 80 80 01', 'a length beyond the end of its message (byte 1)'],
    ['a tag without its field', '0a', 'the message ends inside a varint (byte 1)'],
    [
      'a varint of eleven bytes',
      '08 80 80 80 80 80 80 80 80 80 80 01',
      'field 1 of ExportTraceServiceRequest with the wire type varint (byte 1)',
    ],
    [
      'an unknown varint of eleven bytes',
      '50 80 80 80 80 80 80 80 80 80 80 01',
      'a varint of more than 10 bytes (byte 1)',
    ],
    ['field number 0', '02 00', 'a field number out of range (byte 0)'],
    ['a field number above 2^29', '82 80 80 80 80 01 00', 'a field number out of range (byte 0)'],
    ['a group', '53 54', 'the wire type group start in ExportTraceServiceRequest (byte 1)'],
    ['a wire type that does not exist', '57', 'the wire type 7 in ExportTraceServiceRequest (byte 1)'],
    ['a cut fixed64', '51 00 00 00', 'the message ends inside a field (byte 1)'],
  ])('%s', (_, body, message) => {
    expect(refusal(() => decodeTraces(hex(body), 'protobuf'))).toEqual({ code: 'TL_OTLP_MALFORMED', message })
  })

  test('a known field of a span with another wire type', () => {
    const { code, message } = refusal(() => decodeTraces(requestOf(hex('38 01')), 'protobuf'))
    expect({ code, message }).toEqual({
      code: 'TL_OTLP_MALFORMED',
      message: 'field 7 of Span with the wire type varint (byte 7)',
    })
  })

  test('an inner message that reaches beyond its outer one', () => {
    // The span claims 4 bytes; its scope group has 3 left, though the body goes on.
    const body = Buffer.concat([field(0x0a, field(0x12, hex('12 04 2a 01 61'))), hex('50 00')])
    expect(refusal(() => decodeTraces(body, 'protobuf')).message).toContain(
      'a length beyond the end of its message',
    )
  })

  test('a trace ID of 15 bytes', () => {
    const { code, message } = refusal(() =>
      decodeTraces(requestOf(field(0x0a, Buffer.alloc(15, 1))), 'protobuf'),
    )
    expect({ code, message }).toEqual({
      code: 'TL_OTLP_ID',
      message: 'a trace ID is 16 bytes, not 15 (byte 8)',
    })
  })
})

describe('protobuf that is accepted', () => {
  test('an empty body is a request without spans', () => {
    expect(decodeTraces(new Uint8Array(), 'protobuf')).toEqual([])
    expect(decodeMetrics(new Uint8Array(), 'protobuf')).toEqual([])
  })

  test('fields that are not known are passed over, whatever their wire type', () => {
    const unknown = hex('c03e 8001' + 'c13e 0102030405060708' + 'c23e 03616263' + 'c53e 01020304')
    const span = Buffer.concat([unknown, encodeSpan(base), unknown])
    expect(only(decodeTraces(requestOf(span), 'protobuf'))).toEqual(base)
  })

  test('a length written with more bytes than it needs', () => {
    expect(only(decodeTraces(requestOf(hex('2a 81 80 80 00 61')), 'protobuf'))?.name).toBe('a')
  })

  test('IDs that are empty or all zero are no IDs', () => {
    const span = Buffer.concat([
      field(0x0a, Buffer.alloc(16)),
      field(0x12, Buffer.alloc(0)),
      field(0x22, Buffer.alloc(8)),
    ])
    const { traceId, spanId, parentSpanId } = only(decodeTraces(requestOf(span), 'protobuf')) ?? {}
    expect({ traceId, spanId, parentSpanId }).toEqual({ traceId: '', spanId: '', parentSpanId: undefined })
  })

  test('bytes that are not UTF-8 become U+FFFD', () => {
    expect(only(decodeTraces(requestOf(field(0x2a, hex('61 ff 62'))), 'protobuf'))?.name).toBe('a\ufffdb')
  })

  test('keys that look alike stay apart, also when they come again', () => {
    const alike = Array.from(
      { length: 300 },
      (_, i) => `key.${String(i).padStart(3, '0')}.middle.${i % 7}.end`,
    )
    const attributes = Object.fromEntries([...alike, 'naïve', 'na\u00c3\u00afve'].map((key, i) => [key, i]))
    for (let round = 0; round < 2; round++) {
      expect(
        only(decodeTraces(requestOf(encodeSpan({ ...base, attributes })), 'protobuf'))?.attributes,
      ).toEqual(attributes)
    }
  })

  test('buckets that are not packed', () => {
    const point = Buffer.concat([hex('31 0500000000000000 31 0600000000000000 39 000000000000f03f')])
    const body = field(0x0a, field(0x12, field(0x12, field(0x4a, field(0x0a, point)))))
    expect(decodeMetrics(body, 'protobuf')[0]?.scopes[0]?.metrics[0]?.data).toMatchObject({
      kind: 'histogram',
      points: [{ bucketCounts: [5, 6], bounds: [1] }],
    })
  })

  test('what is decoded does not change with the body', () => {
    const attributes = { bytes: new Uint8Array([1, 2, 3]), text: 'abc' }
    const body = requestOf(encodeSpan({ ...base, attributes }))
    const span = only(decodeTraces(body, 'protobuf'))
    body.fill(0)
    expect(span?.attributes).toEqual(attributes)
  })
})

describe('JSON', () => {
  test('accepts numbers as strings, enums by name, IDs in upper case, null for absent', () => {
    const span = only(
      decodeTraces(
        jsonOf({
          traceId: base.traceId.toUpperCase(),
          spanId: base.spanId,
          parentSpanId: '',
          name: base.name,
          kind: 'SPAN_KIND_SERVER',
          startTimeUnixNano: '18446744073709551615',
          endTimeUnixNano: 2,
          status: { code: 'STATUS_CODE_ERROR', message: null },
          events: null,
          somethingNew: { a: [1] },
          attributes: [
            { key: 'a', value: { intValue: '-9223372036854775808' } },
            { key: 'b', value: { intValue: 5 } },
            { key: 'c', value: { doubleValue: '-Infinity' } },
            { key: 'd', value: { bytesValue: 'AP-_' } },
            { key: 'e', value: {} },
            { key: '__proto__', value: { stringValue: 'only a key' } },
            { key: 'g', value: { stringValue: 'lone \ud800' } },
          ],
        }),
        'json',
      ),
    )
    expect(span).toMatchObject({
      ...base,
      kind: 2,
      startTimeUnixNano: 2n ** 64n - 1n,
      status: { code: 2 },
      attributes: {
        a: -(2n ** 63n),
        b: 5,
        c: Number.NEGATIVE_INFINITY,
        d: new Uint8Array([0, 255, 191]),
        e: null,
        g: 'lone \ufffd',
      },
    })
    expect(Object.getOwnPropertyDescriptor(span?.attributes, '__proto__')?.value).toBe('only a key')
  })

  test('snake_case keys are unknown keys', () => {
    expect(decodeTraces(json({ resource_spans: [{}] }), 'json')).toEqual([])
  })

  test.each<[string, unknown, string, string]>([
    ['a body that is not JSON', '{"resourceSpans":', 'TL_OTLP_MALFORMED', 'the body is not JSON'],
    ['a body that is a list', [], 'TL_OTLP_MALFORMED', 'the body: expected an object'],
    [
      'a list that is an object',
      { resourceSpans: {} },
      'TL_OTLP_MALFORMED',
      'resourceSpans: expected a list',
    ],
    [
      'an element that is null',
      { resourceSpans: [null] },
      'TL_OTLP_MALFORMED',
      'resourceSpans[0]: expected an object',
    ],
    [
      'a name that is a number',
      { name: 5 },
      'TL_OTLP_MALFORMED',
      'resourceSpans[0].scopeSpans[0].spans[0].name: expected a string',
    ],
    [
      'a time with a fraction',
      { startTimeUnixNano: 1.5 },
      'TL_OTLP_MALFORMED',
      'resourceSpans[0].scopeSpans[0].spans[0].startTimeUnixNano: expected an integer from 0 to 18446744073709551615',
    ],
    [
      'a time of 2^64',
      { endTimeUnixNano: '18446744073709551616' },
      'TL_OTLP_MALFORMED',
      'resourceSpans[0].scopeSpans[0].spans[0].endTimeUnixNano: expected an integer from 0 to 18446744073709551615',
    ],
    [
      'a trace ID in base64',
      { traceId: 'W47/95gDgQPSabYzgT/GDA==' },
      'TL_OTLP_ID',
      'resourceSpans[0].scopeSpans[0].spans[0].traceId: expected 32 hexadecimal digits',
    ],
    [
      'a kind of another enum',
      { kind: 'STATUS_CODE_OK' },
      'TL_OTLP_MALFORMED',
      'resourceSpans[0].scopeSpans[0].spans[0].kind: expected a number or a name that begins with SPAN_KIND_',
    ],
    [
      'a boolean as text',
      { attributes: [{ key: 'a', value: { boolValue: 'true' } }] },
      'TL_OTLP_MALFORMED',
      'resourceSpans[0].scopeSpans[0].spans[0].attributes[0].value.boolValue: expected true or false',
    ],
    [
      'bytes that are not base64',
      { attributes: [{ value: { bytesValue: '%' } }] },
      'TL_OTLP_MALFORMED',
      'resourceSpans[0].scopeSpans[0].spans[0].attributes[0].value.bytesValue: expected base64',
    ],
  ])('%s is refused with its place', (_, value, code, message) => {
    const whole = typeof value === 'string' || Array.isArray(value) || 'resourceSpans' in (value as object)
    const body = whole ? json(value) : jsonOf(value as object)
    expect(refusal(() => decodeTraces(body, 'json'))).toEqual({ code, message })
  })

  test('a refusal does not quote the body', () => {
    expect(refusal(() => decodeTraces(json('{"user":"ann@example.com" oops'), 'json')).message).not.toContain(
      'ann@',
    )
  })
})

describe('limits', () => {
  const spans = [encodeSpan(base), encodeSpan({ ...base, attributes: { a: 1, list: [1, 2, 3] } })]
  const body = encodeTraces({ resource: encodeResource({}), scope: { name: 's' }, spans })
  const point = { attributes: {}, startTimeUnixNano: 1n, timeUnixNano: 2n, value: 1 }
  const metricsBody = encodeMetrics({
    resource: encodeResource({}),
    scope: { name: 's' },
    metrics: [{ name: 'm', data: { kind: 'gauge', points: [point, point] } }],
  })

  test('a request within all of them is decoded', () => {
    const limits = { maxBytes: body.length, maxSpans: 2, maxAttributes: 3, maxDepth: 2, maxItems: 9 }
    expect(decodeTraces(body, 'protobuf', limits)[0]?.scopes[0]?.spans).toHaveLength(2)
    expect(decodeMetrics(metricsBody, 'protobuf', { maxPoints: 2 })).toHaveLength(1)
  })

  test.each([
    ['maxBytes', body.length - 1],
    ['maxSpans', 1],
    ['maxAttributes', 2],
    ['maxDepth', 1],
    ['maxItems', 8],
  ])('%s', (name, value) => {
    expect(refusal(() => decodeTraces(body, 'protobuf', { [name]: value }))).toEqual({
      code: 'TL_OTLP_LIMIT',
      message: `the request goes beyond ${name} (${value})`,
    })
  })

  test('maxPoints', () => {
    expect(refusal(() => decodeMetrics(metricsBody, 'protobuf', { maxPoints: 1 })).code).toBe('TL_OTLP_LIMIT')
  })

  test('a value nested ten thousand times is refused at the depth limit', () => {
    let value = Buffer.alloc(0)
    for (let depth = 0; depth < 10_000; depth++) value = field(0x2a, field(0x0a, value))
    const body = requestOf(field(0x4a, field(0x12, value)))
    expect(refusal(() => decodeTraces(body, 'protobuf')).message).toBe(
      'the request goes beyond maxDepth (32)',
    )
  })

  test('JSON nested a million times is refused', () => {
    const open = '{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"value":'
    const nested = `${open}${'{"arrayValue":{"values":['.repeat(1_000)}`
    const closed = `${nested}${']}}'.repeat(1_000)}}]}]}]}]}`
    expect(refusal(() => decodeTraces(json(closed), 'json')).message).toBe(
      'the request goes beyond maxDepth (32)',
    )
    expect(refusal(() => decodeTraces(json('['.repeat(1_000_000)), 'json')).code).toBe('TL_OTLP_MALFORMED')
  })

  test('a body of many empty events is refused before it fills memory', () => {
    const events = requestOf(Buffer.from('5a00'.repeat(2_000_000), 'hex'))
    expect(refusal(() => decodeTraces(events, 'protobuf')).message).toBe(
      'the request goes beyond maxItems (1000000)',
    )
  })

  test('a JSON body of many empty objects is refused before it is parsed', () => {
    const body = json(`{"ignored":[${'{},'.repeat(3_000_000)}{}]}`)
    expect(refusal(() => decodeTraces(body, 'json')).message).toBe(
      'the request goes beyond maxItems (1000000)',
    )
  })

  test('commas and brackets inside strings do not count', () => {
    const attributes: Attributes = { stack: '{[,'.repeat(1_000), quote: '\\",{[' }
    const list = Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } }))
    const limits = { maxItems: 6 }
    expect(only(decodeTraces(jsonOf({ attributes: list }), 'json', limits))?.attributes).toEqual(attributes)
  })
})
