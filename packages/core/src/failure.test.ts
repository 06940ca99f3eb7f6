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

test('the stacks of causes and of aggregated errors follow the own one', () => {
  const inner = new RangeError('inner')
  const middle = new Error('middle', { cause: inner })
  const { stack } = describeFailure(new TypeError('outer', { cause: middle }))
  expect(stack).toMatch(
    /^TypeError: outer\n[\s\S]*\nCaused by: Error: middle\n[\s\S]*\nCaused by: RangeError: inner\n/,
  )
  const many = new AggregateError([new Error('first'), 'second'], 'all failed')
  expect(describeFailure(many).stack).toMatch(
    /^AggregateError: all failed[\s\S]*\nError 1 of 2: Error: first[\s\S]*\nError 2 of 2: second$/,
  )
})

test('a chain of causes that closes, or never ends, is cut', () => {
  const a = new Error('a')
  a.cause = new Error('b', { cause: a })
  expect(describeFailure(a).stack).toMatch(/\nCaused by: Error: b[\s\S]*\nCaused by: \[circular\]$/)
  let deep = new Error('0')
  for (let i = 1; i < 100; i += 1) deep = new Error(String(i), { cause: deep })
  const { stack } = describeFailure(deep)
  expect(stack).toContain('Caused by: Error: 92')
  expect(stack).not.toContain('Error: 90\n')
})

test('a cause that is no error, or that throws, does no harm', () => {
  expect(describeFailure(new Error('a', { cause: null })).stack).toMatch(/\nCaused by: null$/)
  const hostile = Object.defineProperty(new Error('a'), 'cause', {
    get() {
      throw new Error('no')
    },
  })
  expect(describeFailure(hostile).stack).toBe(hostile.stack)
})

test('a frozen error is described as it is', () => {
  const error = Object.freeze(new RangeError('cold'))
  expect(describeFailure(error)).toEqual({ type: 'RangeError', message: 'cold', stack: error.stack })
})

test('secrets in messages and stacks are replaced', () => {
  const { message, stack } = describeFailure(new Error('password=hunter2', { cause: 'token: abc' }))
  expect(message).toBe('password=[redacted]')
  expect(stack).not.toMatch(/hunter2|abc/)
})
