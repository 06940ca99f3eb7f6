import { expect, test } from 'vitest'
import { describeFailure } from './failure.js'

test('an error is known by its name, message and stack', () => {
  const error = new TypeError('no')
  expect(describeFailure(error)).toEqual({ type: 'TypeError', message: 'no', stack: error.stack })
})

test.each([
  ['text', { type: 'string', message: 'text' }],
  [undefined, { type: 'undefined', message: 'undefined' }],
  [null, { type: 'null', message: 'null' }],
  [42n, { type: 'bigint', message: '42' }],
  [Symbol('s'), { type: 'symbol', message: 'Symbol(s)' }],
  [{ message: 'like an error' }, { type: 'object', message: 'like an error' }],
  [Object.create(null), { type: 'object', message: 'a value that cannot be shown' }],
])('what is thrown instead of an error is described: %o', (thrown, expected) => {
  expect(describeFailure(thrown)).toEqual({ ...expected, stack: undefined })
})

test('a name that is no identifier does not become a label', () => {
  for (const name of ['order 4711 failed', '', 'x'.repeat(200), 7]) {
    expect(describeFailure(Object.assign(new Error('m'), { name })).type).toBe('Error')
  }
})

test('hostile getters and proxies throw nothing', () => {
  const hostile = new Error('m')
  for (const key of ['name', 'message', 'stack']) {
    Object.defineProperty(hostile, key, {
      get() {
        throw new Error('no')
      },
    })
  }
  expect(describeFailure(hostile)).toEqual({ type: 'Error', message: '', stack: undefined })
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  expect(describeFailure(proxy)).toMatchObject({ type: 'object', message: 'a value that cannot be shown' })
  const refusing = { toString: () => ({}), [Symbol.toPrimitive]: () => ({}) }
  expect(describeFailure(refusing).message).toBe('a value that cannot be shown')
})

test('a message or stack of megabytes is cut', () => {
  const error = new Error('x'.repeat(2 ** 21))
  const { message, stack } = describeFailure(error)
  expect(message).toHaveLength(8_192)
  expect(stack).toHaveLength(32_768)
  expect(describeFailure('x'.repeat(2 ** 21)).message).toHaveLength(8_192)
})
