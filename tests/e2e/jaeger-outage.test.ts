import { createServer, type Socket } from 'node:net'
import { until } from '@throughline/cli'
import { expect, test } from 'vitest'
import { countRows } from '../../examples/dyno-allocation/src/demo/counts.js'
import { startServices } from '../../examples/dyno-allocation/src/demo/services.js'
import { drive, emptyJournal } from '../../examples/dyno-allocation/src/demo/traffic.js'
import { postJson, traceRequest } from './support/otlp-json.js'
import { atEnd, testStack } from './support/test-stack.js'

/** 64 KiB: a few hundred spans fill it. The exporter's own batch must be smaller. */
const TINY_QUEUE = '65536'

test('Jaeger gone, then hanging, its queue full: each request is accepted, the spool drains, each record is queued once', async () => {
  const stack = await testStack({ collectorSettings: { THROUGHLINE_JAEGER_QUEUE_BYTES: TINY_QUEUE } })
  await stack.startCollector()
  const { url } = await startServices(stack, 'collector')
  const journal = emptyJournal()

  // Jaeger was never there: connections are refused.
  await drive({ url, count: 300, prefix: 'gone', journal })
  const sockets = new Set<Socket>()
  const hanging = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.resume()
  })
  await new Promise<void>((resolve) => hanging.listen(stack.ports.jaegerOtlp, '127.0.0.1', resolve))
  atEnd(async () => {
    for (const socket of sockets) socket.destroy()
    hanging.close()
  })
  await drive({ url, count: 300, prefix: 'hanging', journal })

  // The queue before Jaeger refuses by now, and says so in the Collector's own metrics; a request is taken all the same.
  await until(
    async () =>
      /otelcol_exporter_enqueue_failed_spans[^\n]*otlp_grpc\/jaeger[^\n]* [1-9]/.test(
        await collectorMetrics(stack.urls.collectorMetrics),
      ),
    {
      what: 'spans refused by the full queue before Jaeger',
    },
  )
  for (let i = 0; i < 60; i += 1) {
    const { body } = traceRequest({ attributes: { 'correlation.id': `full-${i}` }, flags: 0x101 })
    expect((await postJson(`${stack.otlpUrl}/v1/traces`, body)).status).toBe(200)
    journal.answered.push({ correlationId: `full-${i}`, status: 201 })
  }
  // Each by-hand request is one record, each HTTP request two.
  const expected = 600 * 2 + 60
  await until(async () => (await countRows(stack.databaseUrl, journal)).rows >= expected, {
    what: `${expected} rows`,
  })
  expect(await countRows(stack.databaseUrl, journal)).toMatchObject({ rows: expected, distinct: expected })
  expect(journal.broken).toEqual([])

  const sent = /otelcol_exporter_sent_spans[^\n]*otlp_http\/records[^\n]* (\d+)/.exec(
    await collectorMetrics(stack.urls.collectorMetrics),
  )
  // Each of the two services has said that it started, too.
  expect(Number(sent?.[1]), 'records the Collector delivered: no request was repeated').toBe(expected + 2)
})

async function collectorMetrics(url: string): Promise<string> {
  return (await fetch(url)).text()
}
