import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { instrumentJobs } from '../../packages/instrumentation-jobs/src/index.js'
import { createClient } from '../../packages/recorder/src/client.js'
import { createRecorder, type Recorder } from '../../packages/recorder/src/index.js'
import { start } from '../../packages/sdk/src/index.js'
import { type Scratch, scratch } from '../../packages/sdk/testing/child.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'

let database: TestDatabase
let recorder: Recorder
let url: string
let room: Scratch

beforeAll(async () => {
  database = await testDatabase()
  recorder = createRecorder({ databaseUrl: database.url, port: 0, auth: 'off', log: () => {} })
  url = (await recorder.listen()).url
  await vi.waitUntil(async () => (await fetch(`${url}/healthz`)).ok, { timeout: 10_000 })
  room = scratch()
})
afterAll(async () => {
  await recorder.close()
  await database.drop()
  room.remove()
})

test('jobs that the instrumentation runs are what the API tells: outcomes, phases, failures, peak, the queue and its host', async () => {
  const sdk = await start({
    serviceName: 'runner',
    recorderUrl: url,
    spoolDir: join(room.dir, 'spool'),
    metricsPort: 0,
    log: () => {},
  })
  const jobs = instrumentJobs({
    queue: 'transcode',
    capacity: 4,
    state: () => ({
      counts: { pending: 2, running: 1, completed: 3, failed: 1, cancelled: 1 },
      depth: 2,
      oldestEnqueuedAt: Date.now() - 30_000,
    }),
  })
  const run = (id: string, enqueuedAt: number, work?: () => Promise<void>) =>
    jobs.run({ id, type: 'video', enqueuedAt }, async (execution) => {
      await execution.phase('creating', () => delay(20))
      await execution.phase('running', work ?? (() => delay(60)))
    })
  await Promise.all(['1', '2', '3'].map((id) => run(id, Date.now() - 5_000)))
  class ImageNotFound extends Error {
    override name = 'ImageNotFound'
  }
  await expect(
    run('4', Date.now(), async () => {
      throw new ImageNotFound('no such image')
    }),
  ).rejects.toThrow('no such image')
  jobs.begin({ id: '5', type: 'audio' }).cancel('not wanted any more')
  await jobs.check()
  jobs.close()
  expect(await sdk.shutdown()).toBe(true)

  const answer = await createClient({ url }).jobs({ hours: 1 })
  expect(answer.total).toMatchObject({ count: 5, completed: 3, failed: 1, cancelled: 1, successRate: 0.75 })
  expect(answer.total.peak).toMatchObject({ jobs: 3 })
  expect(answer.total.failures).toEqual([{ type: 'ImageNotFound', count: 1 }])
  expect(answer.types.map(({ queue, type, count }) => [queue, type, count])).toEqual([
    ['transcode', 'video', 4],
    ['transcode', 'audio', 1],
  ])
  const phases = Object.fromEntries(answer.types[0]!.phases.map((one) => [one.phase, one]))
  expect(Object.keys(phases)).toEqual(['queued', 'creating', 'running'])
  expect(phases.queued!.maxMs).toBeGreaterThanOrEqual(5_000)
  expect(phases.creating!.averageMs).toBeGreaterThan(15)
  expect(answer.types[0]!.launch.count).toBe(4)
  expect(answer.types[0]!.launch.maxMs).toBeGreaterThan(5_000)
  const [queue] = answer.queues
  expect(queue!.state).toMatchObject({
    pending: 2,
    running: 1,
    completed: 3,
    failed: 1,
    cancelled: 1,
    depth: 2,
  })
  expect(queue!.state!.oldestAgeSeconds).toBeGreaterThan(29)
  expect(queue!.checks).toMatchObject({ failed: 0 })
  expect(answer.hosts[0]).toMatchObject({
    queue: 'transcode',
    slots: 4,
    running: 0,
    peak: 3,
    lastCheck: 'ok',
    stale: false,
  })
  expect(answer.hosts[0]!.host).not.toBeNull()
  expect(answer.hosts[0]!.usage.memory).toBeGreaterThan(0)
  expect(answer.truncated).toBe(false)
})
