import { context, trace } from '@opentelemetry/api'
import { correlation, currentOperation, track } from '@throughline/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Scratch, scratch } from '../testing/child.js'
import { type Receiver, startReceiver } from '../testing/receiver.js'
import type { Throughline } from './run.js'
import { start } from './start.js'

let room: Scratch
let receiver: Receiver
let running: Throughline
beforeEach(async () => {
  room = scratch()
  receiver = await startReceiver()
  running = await start({
    serviceName: 'shop',
    endpoint: receiver.url,
    spoolDir: room.dir,
    metricsIntervalMs: 60_000,
    log: () => {},
  })
})
afterEach(async () => {
  await running.shutdown(2_000)
  await receiver.close()
  room.remove()
})

const look = track(
  'Cache.look',
  (key: string) => {
    const span = trace.getSpan(context.active())
    span?.setAttribute('cache.key', key).addEvent('looked', { shard: 3 })
    currentOperation()?.set({ hit: key !== '' })
    if (key === '') throw new RangeError('no key')
  },
  { record: false, metadata: () => ({ plan: 'pro', tags: ['a', 'b'] }) },
)

test('an operation without a row is an ordinary span: its place in the trace, its attributes and events, and no record', async () => {
  await correlation.run({ id: 'order-1', user: 'u-1' }, async () => {
    await trace.getTracer('application').startActiveSpan('own span', async (span) => {
      look('k')
      span.end()
    })
  })
  expect(await running.flush()).toBe(true)
  const [span] = receiver.spans('throughline.spans')
  const [own] = receiver.spans('application')
  expect(span).toMatchObject({
    name: 'Cache.look',
    kind: 1,
    traceId: own?.traceId,
    parentSpanId: own?.spanId,
    attributes: {
      'operation.service': 'Cache',
      'operation.name': 'look',
      outcome: 'success',
      'correlation.id': 'order-1',
      'user.id': 'u-1',
      'cache.key': 'k',
      'metadata.plan': 'pro',
      'metadata.tags': ['a', 'b'],
      'metadata.hit': true,
    },
    events: [{ name: 'looked', attributes: { shard: 3 } }],
  })
  expect(span?.status?.code ?? 0).toBe(0)
  expect(span?.attributes).not.toHaveProperty('throughline.seq')
  expect(span!.endTimeUnixNano).toBeGreaterThanOrEqual(span!.startTimeUnixNano)
  expect(receiver.records()).toEqual([])
})

test('one that failed says so: its status, the type of its error, the exception', async () => {
  expect(() => look('')).toThrow('no key')
  await running.flush()
  const [span] = receiver.spans('throughline.spans')
  expect(span).toMatchObject({
    status: { code: 2, message: 'no key' },
    attributes: { 'error.type': 'RangeError', outcome: 'failure' },
  })
  expect(span?.parentSpanId).toBeUndefined()
  expect(span?.events?.map((event) => [event.name, event.attributes['exception.type']])).toEqual([
    ['looked', undefined],
    ['exception', 'RangeError'],
  ])
})
