import { EventEmitter } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { propagation, trace } from '@opentelemetry/api'
import { CompositePropagator, W3CTraceContextPropagator } from '@opentelemetry/core'
import { CorrelationPropagator, correlation, track } from '@throughline/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  enableContexts,
  installRecordingRuntime,
  type RecordingRuntime,
} from '../../../core/testing/recording-runtime.js'

let runtime: RecordingRuntime
let disable: () => void
beforeEach(() => {
  disable = enableContexts()
  runtime = installRecordingRuntime()
  propagation.setGlobalPropagator(
    new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new CorrelationPropagator()] }),
  )
})
afterEach(() => {
  runtime.uninstall()
  disable()
})

const send = track('Orders.place', () => correlation.inject({}) as Record<string, unknown>)
const receive = track('Orders.ship', () => correlation.id())

test('the receiver works under the ID of the sender, as a child of its trace', () => {
  const headers = correlation.run('order-1', send)
  expect(Object.keys(headers).sort()).toEqual(['traceparent', 'x-correlation-id'])
  expect(correlation.extract(headers, receive)).toBe('order-1')
  const [sender, receiver] = runtime.ended
  expect(receiver).toMatchObject({
    correlationId: 'order-1',
    traceId: sender?.traceId,
    parentSpanId: sender?.spanId,
  })
})

test('headers as brokers give them are read: bytes, other case, lists', () => {
  expect(correlation.extract({ 'X-Correlation-Id': Buffer.from('order-2') }, receive)).toBe('order-2')
  expect(correlation.extract({ 'x-correlation-id': ['order-3'] }, receive)).toBe('order-3')
})

test('a message without an ID, or with a bad one, gets a new one; the loop around it lends it none', () => {
  correlation.run('poller', () => {
    for (const headers of [{}, undefined, { 'x-correlation-id': 'not valid' }, { 'x-correlation-id': 7 }])
      expect(correlation.extract(headers, receive)).toMatch(/^[0-9a-f-]{36}$/)
    expect(correlation.id()).toBe('poller')
  })
  expect(runtime.count('correlation_id_replaced')).toBe(1)
})

test('beside a propagator of somebody else the ID travels all the same', () => {
  propagation.disable()
  const headers = correlation.run('order-1', () => correlation.inject({}))
  expect(headers).toEqual({ 'x-correlation-id': 'order-1' })
  expect(correlation.extract(headers, receive)).toBe('order-1')
})

/** As many are written: callbacks wait in a list, and whoever frees a resource calls the next. */
function pool() {
  const waiting: (() => void)[] = []
  return {
    acquire: (callback: () => void) => void waiting.push(callback),
    release: () => waiting.shift()?.(),
  }
}

test('a pool that calls back out of another request loses the context, and bind keeps it', async () => {
  const connections = pool()
  const seen: (string | undefined)[] = []
  const note = () => void seen.push(correlation.id())
  correlation.run('first', () => connections.acquire(note))
  correlation.run('second', () => connections.acquire(correlation.bind(note)))
  await correlation.run('third', async () => {
    await turn()
    connections.release()
    connections.release()
  })
  expect(seen).toEqual(['third', 'second'])
})

test('a bound listener keeps arguments, answer and the active span', () => {
  const emitter = new EventEmitter()
  let answer: unknown
  const wait = track('A.wait', () => {
    const at = trace.getActiveSpan()?.spanContext().spanId
    emitter.on(
      'done',
      correlation.bind((value: number) => {
        answer = [value, trace.getActiveSpan()?.spanContext().spanId === at]
      }),
    )
  })
  wait()
  emitter.emit('done', 7)
  expect(answer).toEqual([7, true])
})
