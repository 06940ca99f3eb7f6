import { expect, test } from 'vitest'
import { hostOfOrigin, hostOfRequest, hostTest } from './hosts.js'

test.each([
  ['api.example.com', true],
  ['API.example.com', false],
  ['api.example.com.evil.org', false],
  ['xapi.example.com', false],
  ['a.internal', true],
  ['a.b.internal', true],
  ['internal', false],
  ['evilinternal', false],
  ['127.0.0.1', true],
  ['::1', true],
  ['localhost', true],
])('%s on the list: %s', (host, expected) => {
  expect(hostTest(['Api.example.com', '*.internal', '127.0.0.1', '::1', 'localhost'])(host)).toBe(expected)
})

test('an empty list allows no host', () => {
  expect(hostTest([])('localhost')).toBe(false)
})

test.each(['https://api.example.com', 'api.example.com:443', '*', 'a b', '', 'a/b', '*.*.com', '[::1]'])(
  "'%s' is no entry of the list",
  (entry) => {
    expect(() => hostTest([entry])).toThrow(TypeError)
  },
)

test('the host of a request is its hostname, else its host without the port, else localhost', () => {
  expect(hostOfRequest({ hostname: 'a.example', host: 'b.example:80' })).toBe('a.example')
  expect(hostOfRequest({ host: 'b.example:8080' })).toBe('b.example')
  expect(hostOfRequest({ host: '::1' })).toBe('::1')
  expect(hostOfRequest({ host: '[::1]:80' })).toBe('::1')
  expect(hostOfRequest({ hostname: '[::1]' })).toBe('::1')
  expect(hostOfRequest({})).toBe('localhost')
})

test('the host of an origin is known without its port; what is no URL has none', () => {
  expect(hostOfOrigin('https://api.example.com:8443')).toBe('api.example.com')
  expect(hostOfOrigin(new URL('http://[::1]:80'))).toBe('::1')
  expect(hostOfOrigin(undefined)).toBeUndefined()
})
