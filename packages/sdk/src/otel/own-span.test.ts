import { ROOT_CONTEXT, type Span } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import { ownSpans } from './operation-spans.js'
import type { OwnSpan } from './own-span.js'

const parent = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }

function begin(sampled = true, below?: typeof parent): Span {
  return ownSpans(() => sampled)('Shop.buy', true, below, ROOT_CONTEXT, 0)!
}

test('what the head sampler says holds for the span, and it is asked with the trace that the span will have', () => {
  const asked: string[] = []
  const startSpan = ownSpans((traceId, name) => asked.push(`${name} ${traceId}`) === 1)
  const first = startSpan('Shop.buy', true, undefined, ROOT_CONTEXT, 0)!
  const second = startSpan('Shop.buy', true, parent, ROOT_CONTEXT, 0)!
  expect([first.isRecording(), second.isRecording()]).toEqual([true, false])
  expect([first.spanContext().traceFlags, second.spanContext().traceFlags]).toEqual([1, 0])
  expect(second.spanContext().traceId).toBe(parent.traceId)
  expect(first.spanContext().spanId).toMatch(/^[0-9a-f]{16}$/)
  expect(asked).toEqual([first, second].map((span) => `Shop.buy ${span.spanContext().traceId}`))
})

test('user code writes on the span as on any other, within limits, until the operation ends', () => {
  const span = begin(true, parent) as OwnSpan
  span.setAttribute('a', 1).setAttributes({ b: ['x'], c: undefined })
  span.addEvent('reserved', { dyno: 'cologne-1' }, new Date(1_700_000_000_500))
  span.addEvent('now')
  span.recordException(new RangeError('out of range'))
  span.addLink({ context: parent })
  for (let i = 0; i < 200; i += 1) span.setAttribute(`k${i}`, i)
  span.end()
  span.setAttribute('a', 2).addEvent('late').addLink({ context: parent })
  expect(span.attributes).toMatchObject({ a: 1, b: ['x'] })
  expect(span.attributes).not.toHaveProperty('c')
  expect(Object.keys(span.attributes ?? {})).toHaveLength(128)
  expect(span.events?.map((event) => event.name)).toEqual(['reserved', 'now', 'exception'])
  expect(span.events?.[0]).toMatchObject({
    time: [1_700_000_000, 500_000_000],
    attributes: { dyno: 'cologne-1' },
  })
  expect(Math.abs(span.events![1]!.time[0] - Date.now() / 1_000)).toBeLessThan(5)
  expect(span.events?.[2]?.attributes).toMatchObject({
    'exception.type': 'RangeError',
    'exception.message': 'out of range',
  })
  expect(span.links).toHaveLength(1)
})
