import { business, correlation, currentOperation, track } from '@throughline/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type TestThroughline, testThroughline } from './testing.js'

let throughline: TestThroughline
beforeEach(() => {
  throughline = testThroughline({ serviceName: 'shop' })
})
afterEach(() => throughline.close())

test('a sealed operation gives its record away, as it is then', () => {
  const value = business.money('seal.value', { currency: 'USD' })
  const sealed = correlation.run({ id: 'order-1', user: 'u-1' }, () =>
    track('Billing.charge', () => {
      currentOperation()?.set({ n: 1, list: ['a'], deep: { token: 'hush' } })
      value.add('1.50')
      return currentOperation()?.seal()
    })(),
  )
  const [operation] = throughline.operations
  expect(sealed).toEqual({
    startedAtUs: expect.any(BigInt),
    traceId: operation?.traceId,
    spanId: operation?.spanId,
    parentSpanId: null,
    correlationId: 'order-1',
    service: 'shop',
    serviceVersion: null,
    operationService: 'Billing',
    operation: 'charge',
    userId: 'u-1',
    durationUs: expect.any(BigInt),
    success: true,
    errorType: null,
    errorMessage: null,
    errorStack: null,
    metadata: '{"deep":{"token":"[redacted]"},"n":1,"list":["a"]}',
    business: '[{"name":"business.seal.value","labels":{"currency":"USD"},"value":"1.50"}]',
    instance: null,
    seq: null,
  })
})

test('without a dot in its name the service is that of the process; what is absent is null', () => {
  expect(track('charge', () => currentOperation()?.seal())()).toMatchObject({
    operationService: 'shop',
    operation: 'charge',
    userId: null,
    metadata: null,
    business: null,
  })
})
