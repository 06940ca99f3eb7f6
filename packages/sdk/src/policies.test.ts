import { expect, test } from 'vitest'
import { SdkError } from './errors.js'
import { readConfig, type StartOptions } from './options.js'

test('by default neighbours are trusted, every host is reached, no baggage crosses, and sums are cumulative', () => {
  expect(readConfig({}, {})).toMatchObject({
    trust: 'private',
    propagateTo: undefined,
    baggageKeys: [],
    temporality: 'cumulative',
    logger: undefined,
  })
})

test('each policy is read from its variable, and the option wins', () => {
  const env = {
    THROUGHLINE_TRUST: 'private, 100.64.0.0/10',
    THROUGHLINE_PROPAGATE_TO: 'api.example.com,*.internal',
    THROUGHLINE_BAGGAGE_KEYS: 'tenant',
    OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'DELTA',
  }
  expect(readConfig({}, env)).toMatchObject({
    trust: ['private', '100.64.0.0/10'],
    propagateTo: ['api.example.com', '*.internal'],
    baggageKeys: ['tenant'],
    temporality: 'delta',
  })
  const options: StartOptions = { trust: false, propagateTo: [], baggageKeys: [], temporality: 'cumulative' }
  expect(readConfig(options, env)).toMatchObject(options)
})

test.each([
  ['true', true],
  ['false', false],
  ['loopback', ['loopback']],
])('THROUGHLINE_TRUST=%s', (text, trust) => {
  expect(readConfig({}, { THROUGHLINE_TRUST: text }).trust).toEqual(trust)
})

test('low memory is delta for our kinds of instruments', () => {
  const env = { OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'lowmemory' }
  expect(readConfig({}, env).temporality).toBe('delta')
})

test.each<[string, Record<string, string>]>([
  ['trust (THROUGHLINE_TRUST)', { THROUGHLINE_TRUST: 'everybody' }],
  ['propagateTo (THROUGHLINE_PROPAGATE_TO)', { THROUGHLINE_PROPAGATE_TO: 'https://api.example.com' }],
  ['temporality', { OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'hourly' }],
])('%s refuses what it is not', (what, env) => {
  expect(() => readConfig({}, env)).toThrow(SdkError)
  expect(() => readConfig({}, env)).toThrow(what)
})
