import { expect, test } from 'vitest'
import { readConfig } from '../options.js'
import { createPropagator } from './propagation.js'

const fieldsOf = async (OTEL_PROPAGATORS: string) =>
  (await createPropagator(readConfig({ baggageKeys: ['tenant'] }, { OTEL_PROPAGATORS }))).fields().sort()

test.each([
  ['', ['baggage', 'traceparent', 'tracestate', 'x-correlation-id']],
  ['tracecontext', ['traceparent', 'tracestate', 'x-correlation-id']],
  ['b3, tracecontext, b3', ['b3', 'traceparent', 'tracestate', 'x-correlation-id']],
  ['b3multi', expect.arrayContaining(['x-b3-traceid', 'x-b3-spanid', 'x-correlation-id'])],
  ['none', ['x-correlation-id']],
])('OTEL_PROPAGATORS=%s: what it names, and the correlation ID always', async (names, fields) => {
  expect(await fieldsOf(names)).toEqual(fields)
})

test('a name that is none is refused, naming what may stand there', async () => {
  await expect(fieldsOf('jaeger')).rejects.toMatchObject({
    code: 'TL_OPTION_INVALID',
    message: expect.stringContaining("OTEL_PROPAGATORS names 'jaeger'"),
  })
})
