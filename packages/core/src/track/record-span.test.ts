import { context, trace } from '@opentelemetry/api'
import { correlation, currentOperation, track } from '@throughline/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  enableContexts,
  installRecordingRuntime,
  type RecordingRuntime,
} from '../../testing/recording-runtime.js'

let runtime: RecordingRuntime
let asked: { name: string; recorded: boolean; parent: string | undefined }[]
let answer: boolean
let disable: () => void
beforeEach(() => {
  disable = enableContexts()
  asked = []
  answer = true
  runtime = installRecordingRuntime({
    startSpan(name, recorded, parent) {
      asked.push({ name, recorded, parent: parent?.spanId })
      const traceId = parent?.traceId ?? 'c'.repeat(32)
      return trace.wrapSpanContext({ traceId, spanId: 'd'.repeat(16), traceFlags: answer ? 1 : 0 })
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

test('the SDK is asked for the span of a root and of what runs below a sampled one, and its answer is the identity', () => {
  const inner = track('Shop.pay', () => {}, { record: false })
  track('Shop.buy', inner)()
  const root = { traceId: 'c'.repeat(32), spanId: 'd'.repeat(16), traceFlags: 1 }
  expect(runtime.last()).toMatchObject(root)
  expect(asked).toEqual([
    { name: 'Shop.buy', recorded: true, parent: undefined },
    { name: 'Shop.pay', recorded: false, parent: root.spanId },
  ])
  answer = false
  track('Shop.buy', inner)()
  expect(runtime.last()).toMatchObject({ ...root, traceFlags: 0, span: undefined, recorded: true })
  expect(asked).toHaveLength(3)
})

test('`record` and `span` are true or false, said where they are written', () => {
  expect(() => track(() => {}, { record: 'no' as unknown as boolean })).toThrow(
    /option record is true or false/,
  )
})
