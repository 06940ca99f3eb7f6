import { describe, expect, test } from 'vitest'
import {
  type Attributes,
  decodeTraces,
  encodeMetrics,
  encodeResource,
  encodeSpan,
  encodeTraces,
  type Span,
} from './index.js'

const base: Span = {
  traceId: '5b8efff798038103d269b633813fc60c',
  spanId: 'eee19b7ec3c1b174',
  name: 'Billing.charge',
  startTimeUnixNano: 1n,
  endTimeUnixNano: 2n,
  attributes: {},
}

function decoded(span: Span): Span | undefined {
  const body = encodeTraces({ resource: encodeResource({}), scope: { name: 's' }, spans: [encodeSpan(span)] })
  return decodeTraces(body, 'protobuf')[0]?.scopes[0]?.spans[0]
}

const attributesOf = (attributes: Attributes) => decoded({ ...base, attributes })?.attributes

describe('bytes written out by hand', () => {
  test('a resource of one attribute', () => {
    // KeyValue { 1: "a", 2: AnyValue { 1: "b" } } under field 1
    expect(Buffer.from(encodeResource({ a: 'b' })).toString('hex')).toBe('0a080a016112030a0162')
  })

  test('the smallest span', () => {
    expect(Buffer.from(encodeSpan({ ...base, name: '' })).toString('hex')).toBe(
      '0a105b8efff798038103d269b633813fc60c' +
        '1208eee19b7ec3c1b174' +
        '390100000000000000' +
        '410200000000000000',
    )
  })

  test('a negative integer takes ten bytes', () => {
    expect(Buffer.from(encodeResource({ a: -2 })).toString('hex')).toBe(
      '0a100a0161120b18feffffffffffffffff01',
    )
  })

  test('a request without spans', () => {
    const request = encodeTraces({ resource: encodeResource({}), scope: { name: 's' }, spans: [] })
    expect(Buffer.from(request).toString('hex')).toBe('0a090a0012050a030a0173')
  })
})

describe('strings', () => {
  // Around the lengths where the number of bytes of a length, or the way a string is written, changes.
  test.each([0, 1, 23, 24, 25, 41, 42, 43, 127, 128, 129, 5_461, 16_383, 16_384, 70_000])(
    'of %i characters',
    (length) => {
      for (const character of ['a', 'ß', '€', '😀']) {
        const value = character.repeat(length)
        expect(attributesOf({ before: 1, value, after: 2 })).toEqual({ before: 1, value, after: 2 })
      }
    },
  )

  test('a lone surrogate becomes U+FFFD', () => {
    expect(attributesOf({ a: 'x\ud800y', b: `${'x'.repeat(50)}\udc00` })).toEqual({
      a: 'x\ufffdy',
      b: `${'x'.repeat(50)}\ufffd`,
    })
  })
})

describe('values', () => {
  test('a whole number beyond 2^53 keeps its value as a double', () => {
    expect(attributesOf({ a: 2 ** 60, b: Number.NEGATIVE_INFINITY })).toEqual({
      a: 2 ** 60,
      b: Number.NEGATIVE_INFINITY,
    })
  })

  test('a bigint that int64 cannot hold keeps its digits as a string', () => {
    expect(attributesOf({ a: 2n ** 63n, b: -(2n ** 63n) - 1n })).toEqual({
      a: '9223372036854775808',
      b: '-9223372036854775809',
    })
  })

  test('the keys __proto__ and constructor are only keys', () => {
    const attributes = attributesOf(JSON.parse('{"__proto__":{"polluted":true},"constructor":1}'))
    expect(Object.keys(attributes ?? {})).toEqual(['__proto__', 'constructor'])
    expect(attributes?.toString).toBeUndefined()
    expect(({} as Attributes).polluted).toBeUndefined()
  })

  test('undefined leaves its key out; a function becomes the empty value', () => {
    expect(attributesOf({ a: undefined, b: () => 1, c: 1 } as unknown as Attributes)).toEqual({
      b: null,
      c: 1,
    })
  })

  test('an object that holds itself is written once', () => {
    const loop: Attributes = { name: 'loop' }
    loop.self = loop
    loop.list = [loop]
    expect(attributesOf({ loop })).toEqual({ loop: { name: 'loop', self: null, list: [null] } })
  })

  test('what lies deeper than the decoder reads becomes the empty value', () => {
    const deepest: Attributes = {}
    let nested = deepest
    for (let depth = 0; depth < 100; depth++) {
      const inner: Attributes = {}
      nested.a = inner
      nested = inner
    }
    expect(JSON.stringify(attributesOf(deepest))).toBe(`${'{"a":'.repeat(32)}null${'}'.repeat(32)}`)
  })

  test('a getter may encode another span', () => {
    const inner: Uint8Array[] = []
    const value = {
      a: 1,
      get b() {
        inner.push(encodeSpan(base))
        return 2
      },
      c: 3,
    }
    expect(attributesOf({ value })).toEqual({ value: { a: 1, b: 2, c: 3 } })
    expect(inner).toEqual([encodeSpan(base)])
  })

  test('a getter that throws leaves nothing behind', () => {
    const attributes = {
      get a(): string {
        throw new Error('from the getter')
      },
    }
    expect(() => encodeSpan({ ...base, attributes })).toThrow('from the getter')
    expect(decoded(base)).toEqual(base)
  })
})

describe('IDs', () => {
  test('upper-case digits are the same ID', () => {
    expect(decoded({ ...base, traceId: base.traceId.toUpperCase() })).toEqual(base)
  })

  test.each([
    ['traceId', ''],
    ['traceId', 'eee19b7ec3c1b174'],
    ['traceId', '5b8efff798038103d269b633813fc60g'],
    ['spanId', '5b8efff798038103d269b633813fc60c'],
    ['spanId', 'eee19b7ec3c1b17€'],
    ['parentSpanId', 'eee1'],
  ])('%s %j is refused', (key, id) => {
    expect(() => encodeSpan({ ...base, [key]: id })).toThrow(expect.objectContaining({ code: 'TL_OTLP_ID' }))
    expect(decoded(base)).toEqual(base)
  })

  test('an exemplar with a wrong ID is refused', () => {
    const point = {
      attributes: {},
      startTimeUnixNano: 1n,
      timeUnixNano: 2n,
      value: 1,
      exemplars: [{ timeUnixNano: 1n, value: 1, traceId: 'x' }],
    }
    const metrics = [{ name: 'm', data: { kind: 'gauge' as const, points: [point] } }]
    expect(() => encodeMetrics({ resource: encodeResource({}), scope: { name: 's' }, metrics })).toThrow(
      expect.objectContaining({
        code: 'TL_OTLP_ID',
        message: 'a trace ID is 32 hexadecimal digits, not "x"',
      }),
    )
  })
})

test('the memory of an encoded span cannot be transferred away from the spans beside it', () => {
  const { buffer } = encodeSpan(base)
  expect(() => structuredClone(buffer, { transfer: [buffer as ArrayBuffer] })).toThrow()
  expect(decoded(base)).toEqual(base)
})
