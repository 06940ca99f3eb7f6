import { createServer, type Server, type Socket } from 'node:net'
import { until } from '@throughline/cli'
import { expect, test } from 'vitest'
import { countRows } from '../../examples/dyno-allocation/src/demo/counts.js'
import { startServices } from '../../examples/dyno-allocation/src/demo/services.js'
import { allocateOnce, drive, emptyJournal } from '../../examples/dyno-allocation/src/demo/traffic.js'
import { testStack } from './support/test-stack.js'

/** Load that is bounded in count: 40 requests in each step, for the length of the outage. */
const STEP = 40

test('with the Collector gone for 20 s, then hanging, then back, every call completes and nothing is lost', async () => {
  const stack = await testStack()
  const collector = await stack.startCollector()
  const { url } = await startServices(stack, 'collector')
  const journal = emptyJournal()
  await drive({ url, count: STEP, prefix: 'before', journal })

  await collector.stop()
  const end = performance.now() + 20_000
  for (let step = 0; performance.now() < end; step += 1) {
    await drive({ url, count: STEP, concurrency: 4, prefix: `gone-${step}`, journal })
  }

  const hanging = await hang(stack.ports.otlpHttp)
  await until(() => hanging.sockets.size > 0, {
    what: 'a request that hangs at the Collector',
    deadlineMs: 15_000,
  })
  for (let step = 0; step < 10; step += 1) {
    // While the socket hangs: each of these must be answered, which `drive` insists on.
    await drive({ url, count: STEP, concurrency: 4, prefix: `hanging-${step}`, journal })
    journal.answered.push(await allocateOnce(url, `hanging-one-${step}`, step))
  }
  expect(hanging.sockets.size).toBeGreaterThan(0)
  await hanging.close()

  await collector.start()
  expect(journal.broken).toEqual([])
  const counts = await until(
    async () => {
      const seen = await countRows(stack.databaseUrl, journal)
      return seen.rows >= seen.expected && seen
    },
    { what: 'a row for each completed operation', deadlineMs: 60_000 },
  )
  expect(counts).toEqual({ rows: counts.expected, distinct: counts.expected, expected: counts.expected })
})

/** Accepts every connection, reads, and never answers. */
async function hang(port: number): Promise<{ sockets: Set<Socket>; close: () => Promise<void> }> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.resume()
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    sockets,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
