import { business } from '@throughline/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Scratch, scratch } from '../../testing/child.js'
import { readOpenMetrics } from '../../testing/openmetrics.js'
import { type Receiver, startReceiver } from '../../testing/receiver.js'
import type { Throughline } from '../run.js'
import { start } from '../start.js'

let room: Scratch
let receiver: Receiver
let running: Throughline | undefined
beforeEach(async () => {
  room = scratch()
  receiver = await startReceiver()
})
afterEach(async () => {
  await running?.shutdown(2_000)
  await receiver.close()
  room.remove()
})

/** Values of the one series of a metric, request by request, of those that were answered with 200. */
function delivered(name: string) {
  return receiver.requests
    .filter((one) => one.status === 200)
    .flatMap((one) => one.metrics.flatMap((each) => each.scopes.flatMap(({ metrics }) => metrics)))
    .filter((metric) => metric.name === name)
    .map(({ data }) => (data.kind === 'sum' ? [data.temporality, data.points[0]?.value] : [data.kind]))
}

async function begin(temporality: 'cumulative' | 'delta'): Promise<Throughline> {
  const options = { endpoint: receiver.url, spoolDir: room.dir, metricsIntervalMs: 60_000, log() {} }
  running = await start({ ...options, metricsPort: 0, temporality })
  return running
}

test('with delta temporality each export has its part; that of a refused one comes with the next', async () => {
  const { flush, metricsUrl } = await begin('delta')
  const counter = business.counter('orders.exported')
  counter.add(1)
  await flush()
  receiver.answer = ({ path }) => (path === '/v1/metrics' ? 503 : 200)
  counter.add(2)
  await flush()
  receiver.answer = () => 200
  counter.add(3)
  await flush()
  await flush()
  expect(delivered('business.orders.exported')).toEqual([
    ['delta', 1],
    ['delta', 5],
  ])
  const page = readOpenMetrics(await (await fetch(metricsUrl!)).text())
  expect(page.find((one) => one.name === 'business_orders_exported')?.samples[0]?.value).toBe(6)
})

test('by default each export counts from the start', async () => {
  const { flush } = await begin('cumulative')
  const counter = business.counter('orders.cumulative')
  counter.add(1)
  await flush()
  counter.add(2)
  await flush()
  expect(delivered('business.orders.cumulative')).toEqual([
    ['cumulative', 1],
    ['cumulative', 3],
  ])
})

test('gauges and histograms stand on the metrics page, by the letter of OpenMetrics', async () => {
  const { metricsUrl } = await begin('cumulative')
  business.gauge('stock.page', { labels: { site: ['cologne'] } }).set(-2.5, { site: 'cologne' })
  business.histogram('items.page', { bounds: [1, 5] }).record(3)
  const families = readOpenMetrics(await (await fetch(metricsUrl!)).text())
  expect(families.find((one) => one.name === 'business_stock_page')).toMatchObject({
    type: 'gauge',
    samples: [{ labels: { site: 'cologne' }, value: -2.5 }],
  })
  expect(families.find((one) => one.name === 'business_items_page')?.type).toBe('histogram')
})
