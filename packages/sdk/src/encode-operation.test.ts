import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { TracerProvider } from '@opentelemetry/sdk-trace'
import { business, correlation, currentOperation, track } from '@throughline/core'
import { installRuntime, type Operation } from '@throughline/core/runtime'
import { decodeTraces, encodeTraces, type Span } from '@throughline/otlp'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { encodeOperation } from './encode-operation.js'
import { createNotices } from './notices.js'
import { tracerSpans } from './otel/operation-spans.js'
import { sealedOperation } from './sealed-operation.js'

const notices = createNotices(() => {})
let ended: Operation[]
let uninstall: () => void
beforeEach(() => {
  ended = []
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  uninstall = installRuntime({
    name: 'recording',
    serviceName: 'tests',
    startSpan: tracerSpans(),
    seal: (operation, durationMs) =>
      sealedOperation(
        operation,
        { serviceName: 'tests', serviceVersion: undefined, instance: undefined },
        durationMs,
      ),
    start() {},
    end: (operation) => void ended.push(operation),
    measure() {},
    notice() {},
  })
})
afterEach(() => {
  uninstall()
  context.disable()
  trace.disable()
})

function record(): { bytes: number; span: Span } {
  const payload = encodeOperation(ended.at(-1)!, 7, notices)
  const request = encodeTraces({ resource: new Uint8Array(), scope: { name: 's' }, spans: [payload] })
  return { bytes: payload.byteLength, span: decodeTraces(request, 'protobuf')[0]!.scopes[0]!.spans[0]! }
}

test('a success is the span of the wire contract', () => {
  const value = business.money('value', { currency: 'USD' })
  correlation.run({ id: 'order-1', user: 'u-1' }, () =>
    track('Billing.charge', () => {
      currentOperation()?.set({ scalar: 1, list: ['a'], nested: { deep: true }, password: 'p' })
      value.add('1.50', {})
    })(),
  )
  const operation = ended[0]!
  const { span } = record()
  expect(span).toMatchObject({
    traceId: operation.traceId,
    spanId: operation.spanId,
    name: 'Billing.charge',
    kind: 1,
    startTimeUnixNano: operation.startUnixNano,
    status: { code: 1 },
  })
  expect(span.endTimeUnixNano).toBeGreaterThanOrEqual(span.startTimeUnixNano)
  expect({ ...span.attributes }).toEqual({
    'correlation.id': 'order-1',
    'operation.service': 'Billing',
    'operation.name': 'charge',
    outcome: 'success',
    'user.id': 'u-1',
    'metadata.scalar': 1,
    'metadata.list': ['a'],
    'metadata.password': '[redacted]',
    metadata: '{"nested":{"deep":true}}',
    'throughline.business': '[{"name":"business.value","labels":{"currency":"USD"},"value":"1.50"}]',
    'throughline.seq': 7,
  })
})

test('a failure has status, error.type and an exception event, and is marked as sampled', () => {
  const error = new RangeError('no')
  expect(() =>
    track('fails', () => {
      throw error
    })(),
  ).toThrow(error)
  const { span } = record()
  expect(span.status).toEqual({ code: 2, message: 'no' })
  expect(span.attributes).toMatchObject({
    'error.type': 'RangeError',
    outcome: 'failure',
    'operation.name': 'fails',
  })
  expect(span.attributes).not.toHaveProperty('operation.service')
  expect(span.flags).toBe(0x101)
  expect(span.events).toMatchObject([
    {
      name: 'exception',
      attributes: {
        'exception.type': 'RangeError',
        'exception.message': 'no',
        'exception.stacktrace': error.stack,
      },
    },
  ])
})

test('an unsampled success says that it is unsampled', () => {
  track('A.b', () => 1)()
  expect(record().span.flags).toBe(0x100)
})

test('what user code puts on the active span is on the record, but cannot overwrite what is ours', () => {
  trace.setGlobalTracerProvider(new TracerProvider())
  track('A.b', () => {
    trace.getActiveSpan()?.setAttributes({ own: 'x', 'correlation.id': 'forged', outcome: 'forged' })
    trace.getActiveSpan()?.addEvent('paid', { amount: 3 })
  })()
  const { span } = record()
  expect(span.attributes).toMatchObject({
    own: 'x',
    outcome: 'success',
    'correlation.id': ended[0]?.correlationId,
  })
  expect(span.events).toMatchObject([{ name: 'paid', attributes: { amount: 3 } }])
})

test('megabytes that user code hung on its span cost those, not the record', () => {
  trace.setGlobalTracerProvider(new TracerProvider())
  track('A.b', () => {
    trace.getActiveSpan()?.setAttribute('huge', 'x'.repeat(3 * 2 ** 20))
    currentOperation()?.set({ kept: true })
  })()
  const { bytes, span } = record()
  expect(bytes).toBeLessThan(10_000)
  expect(span.attributes).toMatchObject({ 'metadata.kept': true, outcome: 'success' })
  expect(notices.counts().get('metadata_cut')).toBe(1)
})

test('a copy of a record that went into a transaction says so, and no other does', () => {
  track('Billing.charge', () => void currentOperation()?.seal())()
  expect(record().span.attributes['throughline.in_tx']).toBe(true)
  track('Billing.charge', () => {})()
  expect(record().span.attributes).not.toHaveProperty('throughline.in_tx')
})
