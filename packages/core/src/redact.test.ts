import { expect, test } from 'vitest'
import { redactText } from './redact.js'

test.each([
  ['login failed: password=hunter2', 'login failed: password=[redacted]'],
  ['Authorization: Bearer abc.def.ghi was refused', 'Authorization: [redacted] was refused'],
  ['the header "Bearer abcdefgh" is old', 'the header "Bearer [redacted]" is old'],
  ['{"user":"u","password":"p w","n":1}', '{"user":"u","password":"[redacted]","n":1}'],
  ['{\\"apiKey\\":\\"k\\"}', '{\\"apiKey\\":\\"[redacted]\\"}'],
  ["x-api-key: 'abc', site: cologne", "x-api-key: '[redacted]', site: cologne"],
  ['GET /cb?token=t1&site=a', 'GET /cb?token=[redacted]&site=a'],
  ['connect postgres://app:hunter2@db:5432/x', 'connect postgres://app:[redacted]@db:5432/x'],
])('a secret in %j is replaced, its name stays', (text, expected) => {
  expect(redactText(text)).toBe(expected)
})

test.each([
  'order 4711: no vehicle left',
  'Unexpected token } in JSON at position 4',
  'connect ECONNREFUSED 127.0.0.1:5432',
  'https://example.com/orders?site=a&page=2',
  'the basic rule is violated',
])('%j is left as it is', (text) => {
  expect(redactText(text)).toBe(text)
})

test('the frames of a stack are left alone, its first line is not', () => {
  const frames = '\n    at read (/srv/token.js:10:5)\n    at file:///srv/secret.js:1:2'
  expect(redactText(`Error: pin=1234${frames}`)).toBe(`Error: pin=[redacted]${frames}`)
})

test('a long text without an end of a word takes no long time', () => {
  for (const text of [
    'a'.repeat(32_768),
    'a:'.repeat(16_384),
    'password="'.repeat(3_276),
    ' '.repeat(32_768),
    '://a'.repeat(8_000),
  ]) {
    const began = performance.now()
    redactText(`${text}:`)
    expect(performance.now() - began).toBeLessThan(1_000)
  }
})
