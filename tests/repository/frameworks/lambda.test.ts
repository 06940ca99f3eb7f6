import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { built, type Child, runNode, type Scratch, scratch } from '../../../packages/sdk/testing/child.js'
import { type Receiver, startReceiver } from '../../../packages/sdk/testing/receiver.js'
import { until } from '../../../packages/sdk/testing/until.js'
import { root } from '../workspace.js'

const folder = join(root, 'tests/frameworks/http')

let room: Scratch
let receiver: Receiver
let child: Child | undefined
beforeEach(async () => {
  room = scratch()
  receiver = await startReceiver()
})
afterEach(async () => {
  child?.process.kill('SIGKILL')
  await child?.ended
  await receiver.close()
  room.remove()
})

const event = (id: string, order: object, headers: Record<string, string> = {}) => ({
  version: '2.0',
  headers: { 'content-type': 'application/json', ...headers },
  requestContext: { http: { sourceIp: '10.0.0.7' } },
  pathParameters: { id },
  body: JSON.stringify(order),
})

/** Runs the events of one life of a Lambda process, which ends by being frozen; resolves to the answers. */
function live(...events: object[]): Promise<Record<string, unknown>[]> {
  return liveIn('lambda', ...events)
}

async function liveIn(app: string, ...events: object[]): Promise<Record<string, unknown>[]> {
  child = runNode(
    [
      '--import',
      built('sdk/dist/esm/register.js'),
      join(folder, 'lambda-runtime.mjs'),
      join(folder, `apps/${app}.mts`),
    ],
    {
      OTEL_SERVICE_NAME: 'orders',
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      THROUGHLINE_SPOOL_DIR: join(room.dir, 'spool'),
      EVENTS: JSON.stringify(events),
    },
  )
  expect(await child.ended).toEqual({ code: null, signal: 'SIGKILL' })
  return child
    .stdout()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

test('a process that is frozen right after each answer has sent its records and metrics, under the IDs that were answered', async () => {
  const traceId = '5b8efff798038103d269b633813fc60c'
  const answers = await live(
    event(
      '7',
      { amount: '129.90' },
      { 'x-correlation-id': 'order-4711', traceparent: `00-${traceId}-eee19b7ec3c1b174-01` },
    ),
    event('8', {}),
  )
  expect(answers).toEqual([
    {
      statusCode: 201,
      headers: { 'x-correlation-id': 'order-4711' },
      body: JSON.stringify({ id: '7', amount: '129.90', correlation: 'order-4711' }),
    },
    { name: 'RangeError', message: 'an order has an amount' },
  ])
  const records = receiver.records()
  expect(records).toMatchObject([
    {
      name: 'Orders.place',
      traceId,
      parentSpanId: 'eee19b7ec3c1b174',
      attributes: { 'correlation.id': 'order-4711', outcome: 'success' },
    },
    { name: 'Orders.place', attributes: { 'correlation.id': 'request-2', outcome: 'failure' } },
  ])
  expect(receiver.metricsOf('throughline.operations')).not.toEqual([])
  expect(child?.stderr()).not.toContain('flush_incomplete')
})

test('a Collector that hangs delays the answer by the bound and no more; the next process sends what stayed in the spool', async () => {
  receiver.answer = () => 'hang'
  const answers = await live(event('7', { amount: '129.90' }))
  expect(answers).toMatchObject([{ statusCode: 201, headers: { 'x-correlation-id': 'request-1' } }])
  expect(child?.stderr()).toContain('flush_incomplete')
  expect(receiver.records()).toEqual([])

  receiver.answer = () => 200
  await live(event('8', { amount: '1.00' }))
  await until('both records arrived', () => receiver.records().length >= 2)
  expect(receiver.records().map((one) => one.attributes['metadata.id'])).toEqual(
    expect.arrayContaining(['7', '8']),
  )
})

test('an answer that is streamed has the ID in its head, and what was recorded while it was read is sent before the freeze', async () => {
  const answers = await liveIn('lambda-stream', event('7', {}), event('8', {}))
  expect(answers).toEqual(
    ['7', '8'].map((id, index) => ({
      statusCode: 200,
      headers: { 'x-correlation-id': `request-${index + 1}` },
      body: `first of ${id} under request-${index + 1}\nlast of ${id} under request-${index + 1}\n`,
    })),
  )
  expect(receiver.records()).toMatchObject(
    ['request-1', 'request-2'].map((id) => ({
      name: 'Orders.lines',
      attributes: { 'correlation.id': id, outcome: 'success' },
    })),
  )
  expect(child?.stderr()).not.toContain('flush_incomplete')
})
