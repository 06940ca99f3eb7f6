import {
  context,
  propagation,
  type TextMapGetter,
  type TextMapPropagator,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { correlation, track } from '@throughline/core'
import { lambdaHandler } from '@throughline/core/frameworks'
import type { Runtime } from '@throughline/core/runtime'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  enableContexts,
  installRecordingRuntime,
  type RecordingRuntime,
} from '../../testing/recording-runtime.js'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const invocation = { awsRequestId: 'request-1', getRemainingTimeInMillis: () => 30_000 }
/** What API Gateway says of a client inside the network, which the default trusts. */
const requestContext = { http: { sourceIp: '10.0.0.7' } }

let runtime: RecordingRuntime
let disable: () => void
function install(overrides: Partial<Runtime> = {}): void {
  runtime?.uninstall()
  runtime = installRecordingRuntime(overrides)
}
beforeEach(() => {
  disable = enableContexts()
  install()
})
afterEach(() => {
  runtime.uninstall()
  disable()
})

const whoAmI = lambdaHandler(async (_event: unknown) => correlation.id())

describe('the correlation ID of an invocation', () => {
  test.each([
    ['API Gateway 2', { headers: { 'x-correlation-id': 'order-1' }, requestContext }],
    [
      'API Gateway 1, whose headers keep their case',
      {
        headers: { 'X-Correlation-Id': 'order-1' },
        multiValueHeaders: { 'X-Correlation-Id': ['order-1'] },
        requestContext: { identity: { sourceIp: '10.0.0.7' } },
      },
    ],
  ])('comes from the header: %s', async (_, event) => {
    expect(await whoAmI(event, invocation)).toBe('order-1')
    expect(runtime.notices).toEqual([])
  })

  test.each([
    ['a client on the internet', { headers: { 'x-correlation-id': 'order-1' } }, 'correlation_id_untrusted'],
    [
      'two values',
      { multiValueHeaders: { 'x-correlation-id': ['a', 'b'] }, requestContext },
      'correlation_id_replaced',
    ],
    ['a script', { headers: { 'x-correlation-id': '<script>' }, requestContext }, 'correlation_id_replaced'],
  ] as const)('%s: the value is dropped and counted, a new one is made', async (_, event, reason) => {
    expect(await whoAmI(event, invocation)).toMatch(UUID)
    expect(runtime.notices).toEqual([{ reason, detail: 'x-correlation-id' }])
  })

  test('with trust, anyone may bring it', async () => {
    const open = lambdaHandler(async (_event: unknown) => correlation.id(), { trust: true })
    expect(await open({ headers: { 'x-correlation-id': 'order-1' } }, invocation)).toBe('order-1')
  })

  test('is the request ID of the invocation where the event brings none, else a new one', async () => {
    expect(await whoAmI({ detail: 1 }, invocation)).toBe('request-1')
    expect(await whoAmI(undefined, undefined)).toMatch(UUID)
  })

  test('comes from where an event of another kind has it; an extractor that throws costs nothing but a count', async () => {
    const queue = lambdaHandler(async (_event: { order: { id: string } }) => correlation.id(), {
      id: (event) => event.order.id,
    })
    expect(await queue({ order: { id: 'order-7' } }, invocation)).toBe('order-7')
    expect(await queue({} as never, invocation)).toBe('request-1')
    expect(runtime.count('extraction_failed')).toBe(1)
  })

  test('stays the one that an instrumentation has set', async () => {
    const answer = await correlation.run('known', () =>
      whoAmI({ headers: { 'x-correlation-id': 'other' }, requestContext }, invocation),
    )
    expect(answer).toBe('known')
  })

  test('reaches the records, as does the user', async () => {
    const handler = lambdaHandler(
      track('Orders.place', async (_event: { sub: string }) => 1),
      { user: (event) => event.sub },
    )
    await handler({ sub: 'u-1' }, invocation)
    expect(runtime.last()).toMatchObject({ correlationId: 'request-1', userId: 'u-1' })
  })
})

test("a trusted caller's trace is continued, a stranger's is not", async () => {
  const parent = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: TraceFlags.SAMPLED }
  const propagator: TextMapPropagator = {
    inject: () => {},
    extract: (into, carrier, getter: TextMapGetter) =>
      getter.get(carrier, 'traceparent') === 'it' ? trace.setSpanContext(into, parent) : into,
    fields: () => ['traceparent'],
  }
  propagation.setGlobalPropagator(propagator)
  const traceId = lambdaHandler(async (_event: unknown) => trace.getSpanContext(context.active())?.traceId)
  expect(await traceId({ headers: { Traceparent: 'it' }, requestContext }, invocation)).toBe(parent.traceId)
  expect(await traceId({ headers: { Traceparent: 'it' } }, invocation)).toBeUndefined()
})

describe('the answer', () => {
  const answering = (answer: unknown) => lambdaHandler(async (_event: unknown) => answer)({}, invocation)

  test('of HTTP carries the ID, and the object that the handler gave is left alone', async () => {
    const answer = Object.freeze({
      statusCode: 201,
      headers: Object.freeze({ 'X-Correlation-ID': 'x', 'x-kind': 'y' }),
    })
    expect(await answering(answer)).toEqual({
      statusCode: 201,
      headers: { 'x-kind': 'y', 'x-correlation-id': 'request-1' },
    })
    expect(answer.headers['X-Correlation-ID']).toBe('x')
    expect(await answering({ statusCode: 204 })).toEqual({
      statusCode: 204,
      headers: { 'x-correlation-id': 'request-1' },
    })
  })

  test('of a load balancer with several values a header carries it there', async () => {
    expect(await answering({ statusCode: 200, multiValueHeaders: { 'x-kind': ['y'] } })).toEqual({
      statusCode: 200,
      multiValueHeaders: { 'x-kind': ['y'], 'x-correlation-id': ['request-1'] },
    })
  })

  test.each([[{ batchItemFailures: [] }], ['text'], [null], [undefined]])(
    'of any other kind is the same: %j',
    async (answer) => {
      expect(await answering(answer)).toBe(answer)
    },
  )

  test('by callback is awaited, an error by callback or by throw is the error', async () => {
    type Callback = (error?: Error | string | null, answer?: string) => void
    const called = lambdaHandler((_event: unknown, _context: unknown, callback: Callback) => {
      setImmediate(() => callback(null, 'done'))
    })
    expect(await called({}, invocation)).toBe('done')
    const refused = lambdaHandler((_event: unknown, _context: unknown, callback: Callback) => callback('no'))
    await expect(refused({}, invocation)).rejects.toBe('no')
    const error = new RangeError('no')
    const thrown = lambdaHandler((_event: unknown): string => {
      throw error
    })
    await expect(thrown({}, invocation)).rejects.toBe(error)
  })
})

describe('before the answer is given', () => {
  test('what was recorded is flushed, after a failure too', async () => {
    const asked: [number, number][] = []
    install({
      flush: async (timeoutMs) => {
        asked.push([timeoutMs, runtime.ended.length])
        return true
      },
    })
    await lambdaHandler(track('A.b', async (_event: unknown) => 1))({}, invocation)
    const failing = track('A.c', async (_event: unknown) => {
      throw new Error('no')
    })
    await expect(lambdaHandler(failing, { flushTimeoutMs: 50 })({}, invocation)).rejects.toThrow('no')
    expect(asked).toEqual([
      [1_000, 1],
      [50, 2],
    ])
    expect(runtime.notices).toEqual([])
  })

  test('the flush takes no more than Lambda has left, and none at all when that is too little', async () => {
    const asked: number[] = []
    install({
      flush: async (timeoutMs) => {
        asked.push(timeoutMs)
        return true
      },
    })
    const handler = lambdaHandler(async (_event: unknown) => 'done')
    expect(await handler({}, { ...invocation, getRemainingTimeInMillis: () => 350 })).toBe('done')
    expect(await handler({}, { ...invocation, getRemainingTimeInMillis: () => 90 })).toBe('done')
    expect(asked).toEqual([250])
    expect(runtime.count('flush_incomplete')).toBe(1)
  })

  test.each<[string, NonNullable<Runtime['flush']>]>([
    ['hangs', () => new Promise(() => {})],
    ['says that not all arrived', async () => false],
    ['rejects', () => Promise.reject(new Error('no'))],
    [
      'throws',
      () => {
        throw new Error('no')
      },
    ],
  ])('a flush that %s is counted and changes nothing', async (_, flush) => {
    install({ flush })
    const handler = lambdaHandler(async (_event: unknown) => 'done', { flushTimeoutMs: 20 })
    expect(await handler({}, invocation)).toBe('done')
    expect(runtime.notices.map(({ reason }) => reason)).toEqual(['flush_incomplete'])
  })

  test('without an SDK there is nothing to wait for', async () => {
    runtime.uninstall()
    expect(await whoAmI({}, invocation)).toBe('request-1')
  })
})

test('a wrong limit is refused where it stands', () => {
  for (const flushTimeoutMs of [-1, Number.NaN, Number.POSITIVE_INFINITY])
    expect(() => lambdaHandler(async () => 1, { flushTimeoutMs })).toThrow(/flushTimeoutMs/)
})
