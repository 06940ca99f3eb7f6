import { context, trace } from '@opentelemetry/api'
import { correlation } from '@throughline/core'
import { Logger, makeWorkerUtils, type Runner, run, type TaskList, type WorkerUtils } from 'graphile-worker'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../../tests/support/postgres.js'
import { until } from '../../../sdk/testing/until.js'
import { graphileWorker } from '../../testing/guide/graphile-worker.js'
import { isShown } from '../../testing/guide/shown.js'
import { useTelemetry } from '../../testing/use-telemetry.js'
import { executionOf, queueState, task, tasks, withCarrier } from '../graphile-worker.js'
import { instrumentJobs } from '../index.js'
import type { Jobs, JobsOptions } from '../types.js'

const seen = useTelemetry()
const { ended, summary } = seen
const logger = new Logger(() => () => {})
let database: TestDatabase
let pool: pg.Pool
let utils: WorkerUtils
let jobs: Jobs
const runners: Runner[] = []

beforeAll(async () => {
  database = await testDatabase()
  pool = new pg.Pool({ connectionString: database.url })
  pool.on('error', () => {})
  pool.on('connect', (client) => void client.on('error', () => {}))
  utils = await makeWorkerUtils({ pgPool: pool, logger })
  await utils.migrate()
})
afterAll(async () => {
  await utils.release()
  await pool.end()
  await database.drop()
})
beforeEach(() => instrument())
afterEach(async () => {
  jobs.close()
  for (const runner of runners.splice(0)) await runner.stop()
  await pool.query('DELETE FROM graphile_worker._private_jobs')
})

const instrument = (options: Partial<JobsOptions> = {}) => {
  jobs?.close()
  jobs = instrumentJobs({
    queue: 'media',
    system: 'graphile-worker',
    intervalMs: 60_000,
    host: false,
    ...options,
  })
}
const work = async (taskList: TaskList, concurrency = 1) => {
  const runner = await run({
    pgPool: pool,
    taskList,
    logger,
    concurrency,
    noHandleSignals: true,
    pollInterval: 100,
  })
  runners.push(runner)
  return runner
}
test('a job runs once with the payload and the flags that were given', async () => {
  const given: unknown[] = []
  await work({
    video: task(jobs, async (payload, { job }) => {
      given.push(payload, job.payload, job.flags)
      executionOf(job)?.set({ 'container.image.name': 'ffmpeg' })
    }),
  })
  const payload = { file: 'a.mov', list: [1] }
  const added = await utils.addJob(
    'video',
    payload,
    withCarrier(jobs, 'video', { flags: ['gpu'], maxAttempts: 2 }),
  )
  await ended(1)
  expect(given).toEqual([payload, payload, { gpu: true }])
  expect(added.max_attempts).toBe(2)
  const [row] = seen.rows()
  expect(row).toMatchObject({ service: 'media', operation: 'video' })
  expect(row?.metadata).toMatchObject({
    'job.id': added.id,
    'job.type': 'video',
    'job.queue': 'media',
    'job.attempt': 1,
    'job.status': 'completed',
    'container.image.name': 'ffmpeg',
  })
  expect(row?.metadata).toHaveProperty('job.launch.latency_ms')
  await until('it is gone', async () => (await queueState(pool)()).jobs === 0)
})

for (const kind of ['link', 'parent'] as const)
  test(`the correlation ID goes on in the worker and the trace goes on by ${kind}`, async () => {
    instrument({ trace: kind })
    const inside: { id?: string | undefined; trace?: string | undefined } = {}
    await correlation.run('order-7', () =>
      trace.getTracer('test').startActiveSpan('request', async (span) => {
        await utils.addJob('video', {}, withCarrier(jobs, 'video'))
        span.end()
      }),
    )
    await trace.getTracer('test').startActiveSpan('startup', async (span) => {
      await work(
        tasks(jobs, {
          video: async () => {
            inside.id = correlation.id()
            inside.trace = trace.getSpanContext(context.active())?.traceId
          },
        }),
      )
      await ended(1)
      span.end()
    })
    const [request] = seen.spans('request')
    const [sent] = seen.spans('send media')
    const [processed] = seen.spans('process media')
    expect(inside.id).toBe('order-7')
    expect(seen.rows()[0]?.correlationId).toBe('order-7')
    expect(sent?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId)
    expect(processed?.spanContext().traceId).toBe(inside.trace)
    if (kind === 'parent') {
      expect(processed?.parentSpanContext?.spanId).toBe(sent?.spanContext().spanId)
    } else {
      expect(processed?.parentSpanContext).toBeUndefined()
      expect(processed?.links.map((one) => one.context.spanId)).toEqual([sent?.spanContext().spanId])
    }
  })

test('a job that fails and is tried again: a row for each try, one retry, the same correlation ID', async () => {
  let tries = 0
  await work({
    video: task(jobs, async () => {
      tries += 1
      if (tries === 1) throw new RangeError('out of frames')
    }),
  })
  const { id } = await correlation.run('order-8', () => utils.addJob('video', {}, withCarrier(jobs, 'video')))
  await ended(1)
  // Its backoff is of seconds.
  await until(
    'it can be tried again',
    async () => (await utils.rescheduleJobs([id], { runAt: new Date() })).length === 1,
  )
  await ended(2)
  expect(summary()).toEqual([
    { attempt: 1, status: 'failed', error: 'RangeError' },
    { attempt: 2, status: 'completed', error: undefined },
  ])
  expect(seen.rows().map((row) => row.correlationId)).toEqual(['order-8', 'order-8'])
  expect(await seen.count('job.retries', { 'job.queue': 'media', 'job.type': 'video' })).toBe(1)
  expect(seen.rows()[1]?.metadata).toHaveProperty('job.launch.latency_ms')
})

test('a job that fails for good keeps its own error, and is no retry', async () => {
  await work({ video: task(jobs, () => Promise.reject(new RangeError('no such codec'))) })
  await utils.addJob('video', {}, withCarrier(jobs, 'video', { maxAttempts: 1 }))
  await ended(1)
  await until('the queue counts it', async () => (await queueState(pool)()).counts.failed === 1)
  const { rows } = await pool.query('SELECT last_error FROM graphile_worker.jobs')
  expect(rows[0].last_error).toContain('no such codec')
  expect(summary()).toEqual([{ attempt: 1, status: 'failed', error: 'RangeError' }])
  expect(await seen.count('job.retries')).toBe(0)
})

test('a job for later waits for a worker from when it is due', async () => {
  const spec = { runAt: new Date(Date.now() + 1_500) }
  await utils.addJob('video', {}, withCarrier(jobs, 'video', spec))
  await utils.addJob('video', {}, spec)
  await work({ video: task(jobs, async () => {}) })
  await ended(2)
  for (const row of seen.rows()) expect(row.metadata['job.launch.latency_ms']).toBeLessThan(1_400)
})

test('two workers share a queue: each job is one row', async () => {
  await utils.addJobs(
    Array.from({ length: 20 }, (_, n) => ({
      ...withCarrier(jobs, 'video'),
      identifier: 'video',
      payload: { n },
    })),
  )
  const taskList = tasks(jobs, { video: async () => {} })
  await Promise.all([work(taskList, 2), work(taskList, 2)])
  await ended(20)
  expect(new Set(seen.rows().map((row) => row.metadata['job.id'])).size).toBe(20)
  expect(await seen.count('job.processed', { 'job.queue': 'media', 'job.status': 'completed' })).toBe(20)
})

test('a batch job ends with the last of its promises, and only what failed is tried again', async () => {
  const slow = Promise.withResolvers<void>()
  const given: unknown[] = []
  await work({
    video: task(jobs, async (payload: unknown) => {
      given.push(payload)
      return [slow.promise, Promise.reject(new RangeError('second'))]
    }),
  })
  const { id } = await utils.addJob('video', [{ n: 1 }, { n: 2 }], withCarrier(jobs, 'video'))
  await until('it runs', () => given.length === 1)
  expect(seen.rows()).toEqual([])
  slow.resolve()
  await ended(1)
  expect(given).toEqual([[{ n: 1 }, { n: 2 }]])
  expect(summary()).toEqual([{ attempt: 1, status: 'failed', error: 'RangeError' }])
  const left = async () =>
    (await pool.query('SELECT payload FROM graphile_worker._private_jobs WHERE id = $1', [id])).rows[0]
  await until('the payload that is left', async () => (await left())?.payload.length === 1)
  expect(await left()).toEqual({ payload: [{ n: 2 }] })
})

const garbage = [
  'throughline:',
  'throughline:{',
  'throughline:[1]',
  'throughline:{"traceparent":{},"enqueued_at":{}}',
]
test('whatever stands in the place of a carrier, the job runs and has an ID of its own', async () => {
  for (const flag of garbage) await utils.addJob('video', { kept: true }, { flags: [flag] })
  const given: unknown[] = []
  await work({ video: task(jobs, async (payload) => void given.push(payload)) })
  await ended(garbage.length)
  expect(given).toEqual(garbage.map(() => ({ kept: true })))
  expect(new Set(seen.rows().map((row) => row.correlationId)).size).toBe(garbage.length)
})

test('a job that somebody else enqueued by SQL has a row, an ID and a launch latency', async () => {
  await pool.query(`SELECT graphile_worker.add_job('video', '{"n": 1}')`)
  await work({ video: task(jobs, async () => {}) })
  await ended(1)
  expect(seen.rows()[0]?.correlationId).toMatch(/^[0-9a-f-]{36}$/)
  expect(seen.rows()[0]?.metadata).toHaveProperty('job.launch.latency_ms')
  expect(seen.spans('process media')[0]?.links).toEqual([])
})

test('the queue itself says how many jobs wait and run, and how long the oldest has waited', async () => {
  const state = queueState(pool)
  expect(await state()).toMatchObject({ depth: 0, oldestEnqueuedAt: undefined, jobs: 0 })
  const first = await utils.addJob('video', {})
  await utils.addJob('video', {})
  await utils.addJob('video', {}, { runAt: new Date(Date.now() + 3_600_000) })
  const present = await state()
  expect(present).toMatchObject({ depth: 2, jobs: 3, counts: { pending: 3, running: 0, failed: 0 } })
  expect(present.oldestEnqueuedAt).toEqual(first.run_at)
  const hang = Promise.withResolvers<void>()
  await work({ video: task(jobs, () => hang.promise) })
  await until('one runs', async () => (await state()).counts.running === 1)
  expect(await state()).toMatchObject({ depth: 1, counts: { pending: 2, running: 1 } })
  expect(await queueState(pool, { schema: '"graphile_worker"', maxJobs: 2 })()).toMatchObject({ jobs: 2 })
  hang.resolve()
  await until('both ended', async () => (await state()).jobs === 1)
})

test('the code in the guide is what runs here', async () => {
  expect(isShown('graphile-worker.ts')).toBe(true)
  const guide = await graphileWorker(pool)
  runners.push(guide.runner)
  await guide.add('a.mov')
  await ended(1)
  await pool.query(`SELECT graphile_worker.add_job('nobody')`)
  await guide.jobs.check()
  expect(await seen.count('job.queue.depth', { 'job.queue': 'media' })).toBe(1)
  guide.jobs.close()
  expect(summary()).toEqual([{ attempt: 1, status: 'completed', error: undefined }])
})
