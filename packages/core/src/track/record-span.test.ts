import { context, trace } from '@opentelemetry/api'
import { correlation, currentOperation, track } from '@throughline/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  enableContexts,
  installRecordingRuntime,
  type RecordingRuntime,
} from '../../testing/recording-runtime.js'

let runtime: RecordingRuntime
let asked: { traceId: string; name: string }[]
let answer: boolean
let disable: () => void
beforeEach(() => {
  disable = enableContexts()
  asked = []
  answer = true
  runtime = installRecordingRuntime({
    sample(traceId, name) {
      asked.push({ traceId, name })
      return answer
    },
  })
})
afterEach(() => {
  runtime.uninstall()
  disable()
})

const active = () => trace.getSpan(context.active())

test('with `record` and `span` off a call is only counted: it runs in the context that is there', async () => {
  const counted = track('Cache.get', async () => ({ operation: currentOperation(), id: correlation.id() }), {
    record: false,
    span: false,
  })
  const outer = track('Shop.buy', () => counted())
  const seen = await outer()
  const [inner, outside] = runtime.ended
  expect(inner).toMatchObject({
    recorded: false,
    span: undefined,
    traceId: outside?.traceId,
    spanId: outside?.spanId,
  })
  expect(seen.operation).toBe(outside)
  expect(seen.id).toBe(outside?.correlationId)
  await counted()
  expect(runtime.last()).toMatchObject({ traceId: '', spanId: '', correlationId: '' })
})

test('with `span` off it is a record at its own place in the trace and no picture; what it calls hangs on the span around it', () => {
  const quiet = track('Shop.quiet', () => active()?.spanContext().spanId, { span: false })
  const seen = track('Shop.buy', quiet)()
  const [inner, outer] = runtime.ended
  expect(inner).toMatchObject({
    recorded: true,
    span: undefined,
    traceFlags: 0,
    traceId: outer?.traceId,
    parentSpanId: outer?.spanId,
  })
  expect(inner?.spanId).not.toBe(outer?.spanId)
  expect(seen).toBe(outer?.spanId)
  expect(outer?.traceFlags).toBe(1)
  expect(asked.map((one) => one.name)).toEqual(['Shop.buy'])
})

test('the head sampler is asked once for a root, and what it says holds for the span', () => {
  const recording = track('Shop.buy', () => active()?.isRecording())
  expect(recording()).toBe(true)
  expect(runtime.last()).toMatchObject({ traceFlags: 1, traceId: asked[0]?.traceId })
  answer = false
  expect(recording()).toBe(false)
  expect(runtime.last()).toMatchObject({ traceFlags: 0, span: undefined, recorded: true })
})

test('user code writes on the span as on any other, within limits, until the operation ends', () => {
  let kept: ReturnType<typeof active>
  track('Shop.buy', () => {
    kept = active()
    kept?.setAttribute('a', 1).setAttributes({ b: ['x'], c: undefined })
    kept?.addEvent('reserved', { dyno: 'cologne-1' }, new Date(1_700_000_000_500))
    kept?.addEvent('now')
    kept?.recordException(new RangeError('out of range'))
    kept?.addLink({ context: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 } })
    for (let i = 0; i < 200; i += 1) kept?.setAttribute(`k${i}`, i)
  })()
  const span = runtime.last().span as unknown as {
    attributes: Record<string, unknown>
    events: { name: string; time: [number, number]; attributes: Record<string, unknown> }[]
    links: unknown[]
  }
  expect(span.attributes).toMatchObject({ a: 1, b: ['x'] })
  expect(span.attributes).not.toHaveProperty('c')
  expect(Object.keys(span.attributes)).toHaveLength(128)
  expect(span.events.map((event) => event.name)).toEqual(['reserved', 'now', 'exception'])
  expect(span.events[0]).toMatchObject({
    time: [1_700_000_000, 500_000_000],
    attributes: { dyno: 'cologne-1' },
  })
  expect(Math.abs(span.events[1]!.time[0] - Date.now() / 1_000)).toBeLessThan(5)
  expect(span.events[2]?.attributes).toMatchObject({
    'exception.type': 'RangeError',
    'exception.message': 'out of range',
  })
  expect(span.links).toHaveLength(1)
})

test('`record` and `span` are true or false, said where they are written', () => {
  expect(() => track(() => {}, { record: 'no' as unknown as boolean })).toThrow(
    /option record is true or false/,
  )
})
