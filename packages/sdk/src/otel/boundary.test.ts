import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type Context,
  context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  trace,
} from '@opentelemetry/api'
import { W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core'
import { CorrelationPropagator, correlation } from '@throughline/core'
import {
  announceDestination,
  correlationOf,
  guardBoundary,
  hostTest,
  peerTest,
  withBaggageKeys,
  withinBoundary,
} from '@throughline/core/runtime'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  enableContexts,
  installRecordingRuntime,
  type RecordingRuntime,
} from '../../../core/testing/recording-runtime.js'

let runtime: RecordingRuntime
let undo: (() => void)[]
beforeEach(() => {
  undo = [enableContexts()]
  runtime = installRecordingRuntime()
  undo.push(runtime.uninstall)
})
afterEach(() => {
  for (const step of undo) step()
})

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const traces = withinBoundary(new W3CTraceContextPropagator())
const ids = new CorrelationPropagator()

/** What a propagator makes of a request's headers before any listener runs, as an instrumentation asks it. */
async function extracted(trusts: boolean): Promise<Context> {
  undo.push(guardBoundary({ trusts: peerTest(trusts), mayReach: undefined }))
  const server = createServer()
  const taken = new Promise<Context>((resolve) => {
    const emit = server.emit.bind(server)
    server.emit = ((event: string, ...args: unknown[]) => {
      if (event === 'request') {
        const { headers } = args[0] as { headers: object }
        const first = traces.extract(ROOT_CONTEXT, headers, defaultTextMapGetter)
        resolve(ids.extract(first, headers, defaultTextMapGetter))
        ;(args[1] as { end(): void }).end()
      }
      return emit(event, ...args)
    }) as typeof server.emit
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await fetch(`http://127.0.0.1:${port}`, {
    headers: { traceparent: TRACEPARENT, 'x-correlation-id': 'theirs' },
  })
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  return taken
}

test("a trusted peer's trace and ID are taken over before any listener runs", async () => {
  const seen = await extracted(true)
  expect(trace.getSpanContext(seen)?.traceId).toBe(TRACEPARENT.slice(3, 35))
  expect(correlationOf(seen)?.id).toBe('theirs')
})

test('an untrusted one begins neither: a new trace, a new ID, counted', async () => {
  const seen = await extracted(false)
  expect(trace.getSpanContext(seen)).toBeUndefined()
  expect(correlationOf(seen)?.id).toMatch(/^[0-9a-f-]{36}$/)
  expect(runtime.notices).toEqual([{ reason: 'correlation_id_untrusted', detail: 'x-correlation-id' }])
})

const sent = (): Record<string, string> => {
  const carrier: Record<string, string> = {}
  ids.inject(context.active(), carrier, defaultTextMapSetter)
  return carrier
}

test('with an allow list the ID goes to a host on it, and to no other, and not where the host is not known', async () => {
  undo.push(guardBoundary({ trusts: peerTest(true), mayReach: hostTest(['*.internal']) }))
  await correlation.run('order-1', async () => {
    expect(sent()).toEqual({})
    announceDestination('API.internal')
    expect(sent()).toEqual({ 'x-correlation-id': 'order-1' })
    // The announced request has its headers; the next carrier is another matter.
    expect(sent()).toEqual({})
    announceDestination('api.stranger.com')
    expect(sent()).toEqual({})
    announceDestination('api.internal')
    await Promise.resolve()
    expect(sent()).toEqual({})
  })
})

test('where no hook announces the host, the client span of an instrumentation says it', () => {
  undo.push(guardBoundary({ trusts: peerTest(true), mayReach: hostTest(['api.internal']) }))
  const to = (host: string, kind: SpanKind) => {
    const span = trace.wrapSpanContext({ traceId: '1'.repeat(32), spanId: '1'.repeat(16), traceFlags: 1 })
    return Object.assign(span, { kind, attributes: { 'server.address': host } })
  }
  correlation.run('order-1', () => {
    const seen = (span: Span) => context.with(trace.setSpan(context.active(), span), sent)
    expect(seen(to('api.internal', SpanKind.CLIENT))).toEqual({ 'x-correlation-id': 'order-1' })
    expect(seen(to('api.stranger.com', SpanKind.CLIENT))).toEqual({})
    expect(seen(to('api.internal', SpanKind.SERVER))).toEqual({})
  })
})

test('messages are bound by no allow list: the code names the receiver itself', () => {
  undo.push(guardBoundary({ trusts: peerTest(true), mayReach: hostTest([]) }))
  propagation.setGlobalPropagator(ids)
  expect(correlation.run('order-1', () => correlation.inject({ kind: 'order' }))).toEqual({
    kind: 'order',
    'x-correlation-id': 'order-1',
  })
})

test('baggage passes by its key alone, in and out', () => {
  const baggage = withBaggageKeys(new W3CBaggagePropagator(), ['tenant'])
  const inside = baggage.extract(
    ROOT_CONTEXT,
    { baggage: 'tenant=acme,card=4111,tenant2=x' },
    defaultTextMapGetter,
  )
  expect(propagation.getBaggage(inside)?.getAllEntries()).toEqual([['tenant', { value: 'acme' }]])
  const own = propagation.createBaggage({ tenant: { value: 'acme' }, password: { value: 'secret' } })
  const carrier: Record<string, string> = {}
  baggage.inject(propagation.setBaggage(ROOT_CONTEXT, own), carrier, defaultTextMapSetter)
  expect(carrier).toEqual({ baggage: 'tenant=acme' })
})

test('without keys no baggage crosses', () => {
  const baggage = withBaggageKeys(new W3CBaggagePropagator(), [])
  const inside = baggage.extract(ROOT_CONTEXT, { baggage: 'tenant=acme' }, defaultTextMapGetter)
  expect(propagation.getBaggage(inside)).toBeUndefined()
  const own = propagation.setBaggage(ROOT_CONTEXT, propagation.createBaggage({ tenant: { value: 'acme' } }))
  const carrier: Record<string, string> = {}
  baggage.inject(own, carrier, defaultTextMapSetter)
  expect(carrier).toEqual({})
})
