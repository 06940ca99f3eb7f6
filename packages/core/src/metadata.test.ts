import { expect, test } from 'vitest'
import { METADATA_LIMITS, toAttributes } from './metadata.js'

const nested = (metadata: Record<string, unknown>) => JSON.parse(toAttributes(metadata).nested ?? 'null')

test('scalars and lists of scalars are attributes as they are; what is nested is one JSON object', () => {
  const result = toAttributes({
    a: 1,
    b: 'x',
    c: true,
    list: ['x', 1],
    deep: { d: [1] },
    nothing: null,
    not: undefined,
  })
  expect(result.scalars).toEqual({ a: 1, b: 'x', c: true, list: ['x', 1] })
  expect(JSON.parse(result.nested ?? '')).toEqual({ deep: { d: [1] }, nothing: null })
  expect(result.cut).toBe(false)
})

test('it is a snapshot: a later change of the object does not reach it', () => {
  const order = { lines: [{ id: 1 }] }
  const result = toAttributes({ order })
  order.lines[0]!.id = 2
  expect(result.nested).toBe('{"order":{"lines":[{"id":1}]}}')
})

test('values that JSON does not have become text', () => {
  const named = () => 1
  const result = toAttributes({
    big: 12345678901234567890n,
    when: new Date('2026-07-01T12:00:00Z'),
    never: new Date(Number.NaN),
    nan: Number.NaN,
    infinite: Number.POSITIVE_INFINITY,
    symbol: Symbol('s'),
    named,
    bytes: new Uint8Array(7),
  })
  expect(result.scalars).toEqual({
    big: '12345678901234567890',
    when: '2026-07-01T12:00:00.000Z',
    nan: 'NaN',
    infinite: 'Infinity',
    symbol: 'Symbol(s)',
    named: 'named',
    bytes: '[7 bytes]',
  })
  expect(nested({ never: new Date(Number.NaN) })).toEqual({ never: null })
  expect(
    nested({
      map: new Map<unknown, unknown>([
        ['k', new Set([1])],
        [2, 3n],
      ]),
      error: new RangeError('no'),
    }),
  ).toEqual({
    map: { k: [1], '2': '3' },
    error: { name: 'RangeError', message: 'no' },
  })
})

test('a cycle is named where it closes; the same object twice side by side is none', () => {
  const circular: Record<string, unknown> = { name: 'a' }
  circular.self = circular
  const shared = { x: 1 }
  expect(nested({ circular, pair: { one: shared, two: shared } })).toEqual({
    circular: { name: 'a', self: '[circular]' },
    pair: { one: { x: 1 }, two: { x: 1 } },
  })
})

test('secrets are replaced at every depth, by whole words', () => {
  const result = toAttributes({
    password: 'p',
    userPassword: 'p',
    'x-api-key': 'p',
    cardNumber: '4711',
    discard: 'kept',
    tokenizer: 'kept',
    sessionId: { nested: 'p' },
    deep: { list: [{ Authorization: 'p', keyboard: 'kept' }], map: new Map([['access_key', 'p']]) },
  })
  expect(result.scalars).toEqual({
    password: '[redacted]',
    userPassword: '[redacted]',
    'x-api-key': '[redacted]',
    cardNumber: '[redacted]',
    discard: 'kept',
    tokenizer: 'kept',
    sessionId: '[redacted]',
  })
  expect(JSON.parse(result.nested ?? '')).toEqual({
    deep: { list: [{ Authorization: '[redacted]', keyboard: 'kept' }], map: { access_key: '[redacted]' } },
  })
})

test('a key such as __proto__ is only a key', () => {
  const result = toAttributes(JSON.parse('{"__proto__":1,"deep":{"__proto__":{"x":1}}}'))
  expect(Object.keys(result.scalars)).toEqual(['__proto__'])
  expect(result.nested).toBe('{"deep":{"__proto__":{"x":1}}}')
  expect(({} as { x?: unknown }).x).toBeUndefined()
})

test('a getter, proxy or iterator that throws costs its value, not the record', () => {
  const lazy = {
    get price(): number {
      throw new Error('detached')
    },
    id: 1,
  }
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  const result = toAttributes({
    deep: { lazy, proxy, ok: true },
    proxy,
    ok: 1,
    broken: Object.defineProperty(new Error('x'), 'message', {
      get() {
        throw new Error('no')
      },
    }),
  })
  expect(JSON.parse(result.nested ?? '')).toEqual({
    deep: { lazy: { price: '[unreadable]', id: 1 }, proxy: '[unreadable]', ok: true },
    broken: { name: 'Error', message: '' },
  })
  expect(result.scalars).toEqual({ ok: 1, proxy: '[unreadable]' })
})

test('limits cut and say so', () => {
  const text = toAttributes({ text: 'x'.repeat(METADATA_LIMITS.characters + 1) })
  expect(text.scalars.text).toHaveLength(METADATA_LIMITS.characters + 1)
  expect(text.cut).toBe(true)
  const many = toAttributes(Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`k${i}`, i])))
  expect(Object.keys(many.scalars)).toHaveLength(METADATA_LIMITS.keys)
  expect(many.cut).toBe(true)
  const key = toAttributes({ ['k'.repeat(1_000)]: 1 })
  expect(Object.keys(key.scalars)[0]).toHaveLength(METADATA_LIMITS.keyCharacters)
  let deep: unknown = 1
  for (let i = 0; i < 100; i += 1) deep = { deep }
  expect(toAttributes({ deep })).toMatchObject({ cut: true, nested: expect.stringContaining('[cut]') })
  expect(toAttributes({ list: Array.from({ length: 300 }, () => 1) }).cut).toBe(true)
})

test.each([
  ['texts', () => Array.from({ length: 250 }, () => Array.from({ length: 250 }, () => 'x'.repeat(900)))],
  [
    'numbers',
    () =>
      Array.from({ length: 250 }, () =>
        Array.from({ length: 250 }, () => Array.from({ length: 250 }, () => 1)),
      ),
  ],
  [
    'long keys',
    () => Object.fromEntries(Array.from({ length: 250 }, (_, i) => [String(i).padEnd(5_000, 'k'), { a: 1 }])),
  ],
])('many nested %s stay near the limit of the JSON', (_, make) => {
  const result = toAttributes({ big: { deep: make() } })
  expect(result.cut).toBe(true)
  expect(result.nested!.length).toBeLessThan(METADATA_LIMITS.json * 1.5)
})
