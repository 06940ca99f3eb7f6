import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeMetrics } from '@throughline/otlp'
import { expect, test, vi } from 'vitest'
import { useValueDatabase } from '../../test/value-database.js'
import { figureOf } from './figure.js'
import { publishValueGauges } from './gauges.js'
import { parseValueModel } from './parse.js'
import { startValuePublisher } from './publisher.js'
import { valueReport } from './report.js'

const database = useValueDatabase()
const now = new Date('2026-11-22T09:30:10Z')
const model = parseValueModel(`model: test
currency: USD
operations:
  allocation: {operation: AllocationService.autoAllocate, minutes_saved: 4, hourly_rate: 49.99}
names: {monthly_cost_savings: savings}
`)

const receiving = async (status: number, work: (url: string) => Promise<void>): Promise<Uint8Array[]> => {
  const bodies: Uint8Array[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    bodies.push(Buffer.concat(chunks))
    response.writeHead(status).end('no room')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/metrics`)
  server.close()
  await once(server, 'close')
  return bodies
}

test('the gauges of a report are its figures to the cent, as business metrics under both names', async () => {
  await database.add({ day: '2026-11-05', count: 7 })
  const report = await valueReport(database.pool, model, { now })
  const [body] = await receiving(200, async (url) => {
    expect(await publishValueGauges(report, { url, now })).toBeGreaterThan(5)
  })
  const [resource] = decodeMetrics(body!, 'protobuf')
  expect(resource?.scopes.map(({ scope }) => scope.name)).toEqual(['throughline.business'])
  const metrics = new Map(resource?.scopes[0]?.metrics.map((metric) => [metric.name, metric]))
  for (const name of ['business.value.savings', 'business.monthly_cost_savings'])
    expect(metrics.get(name)).toMatchObject({
      unit: '{currency}',
      data: {
        kind: 'gauge',
        points: [
          {
            attributes: { model: 'test', period: '2026-11', currency: 'USD' },
            value: Number(figureOf(report, 'savings')?.value),
          },
        ],
      },
    })
  expect(figureOf(report, 'savings')?.value).toBe('23.33')
  for (const [name, { data }] of metrics) {
    if (data.kind !== 'gauge') throw new Error(`${name} is no gauge`)
    expect(Number.isFinite(data.points[0]?.value)).toBe(true)
  }
})

test('gauges that are not taken are an error that says who did not', async () => {
  const report = await valueReport(database.pool, model, { now })
  await receiving(503, async (url) => {
    await expect(publishValueGauges(report, { url, now })).rejects.toThrow(`${url} answered 503: no room`)
  })
})

test('a publisher goes on after a failure, publishes when asked, and ends', async () => {
  const errors: unknown[] = []
  const onError = (error: unknown): void => void errors.push(error)
  const away = startValuePublisher(database.pool, model, {
    url: 'http://127.0.0.1:9',
    intervalMs: 5,
    onError,
  })
  await vi.waitUntil(() => errors.length > 1, { timeout: 10_000 })
  await away.close()
  const bodies = await receiving(200, async (url) => {
    const publisher = startValuePublisher(database.pool, model, { url, onError })
    const { report, gauges } = await publisher.publish()
    expect(report.period.complete).toBe(false)
    expect(gauges).toBeGreaterThan(5)
    await publisher.close()
  })
  expect(bodies.length).toBeGreaterThan(0)
})
