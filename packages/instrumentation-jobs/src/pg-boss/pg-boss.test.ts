import { context, trace } from '@opentelemetry/api'
import { correlation } from '@throughline/core'
import { type Job, type JobResult, type JobWithMetadata, PgBoss } from 'pg-boss'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../../tests/support/postgres.js'
import { until } from '../../../sdk/testing/until.js'
import { pgBoss } from '../../testing/guide/pg-boss.js'
import { isShown } from '../../testing/guide/shown.js'
import { useTelemetry } from '../../testing/use-telemetry.js'
import { instrumentJobs } from '../index.js'
import { executionOf, handler, lostJob, queueState, withCarrier } from '../pg-boss.js'
import type { Jobs, JobsOptions } from '../types.js'

const seen = useTelemetry()
const { ended, summary } = seen
let database: TestDatabase
let boss: PgBoss
let queues = 0
const opened: Jobs[] = []

beforeAll(async () => {
  database = await testDatabase()
  boss = new PgBoss({ connectionString: database.url, supervise: false, schedule: false })
  boss.on('error', () => {})
  await boss.start()
})
afterAll(async () => {
  await boss.stop({ graceful: false })
  await database.drop()
})
afterEach(async () => {
  for (const jobs of opened.splice(0)) {
    jobs.close()
    await boss.offWork(jobs.queue)
  }
})

const jobsOf = async (options: Partial<JobsOptions> = {}, queue: object = {}): Promise<Jobs> => {
  queues += 1
  const jobs = instrumentJobs({
    queue: `transcode-${queues}`,
    system: 'pg-boss',
    intervalMs: 60_000,
    host: false,
    ...options,
  })
  opened.push(jobs)
  await boss.createQueue(jobs.queue, queue)
  return jobs
}
const often = { pollingIntervalSeconds: 0.5 }
test('a job runs once with the data that were sent, and its result is what pg-boss keeps', async () => {
  const jobs = await jobsOf()
  const data = { file: 'a.mov', nested: { throughline: 1 } }
  const given: unknown[] = []
  await boss.work<typeof data>(
    jobs.queue,
    often,
    handler(jobs, async (batch) => {
      for (const job of batch) {
        given.push(job.data)
        executionOf(job)?.set({ 'container.image.name': 'ffmpeg' })
      }
      return { frames: 24 }
    }),
  )
  const id = (await boss.send(jobs.queue, withCarrier(jobs, data))) ?? ''
  await until('it completed', async () => (await boss.findJobs(jobs.queue, { id }))[0]?.state === 'completed')
  expect(given).toEqual([{ file: 'a.mov', nested: { throughline: 1 } }])
  expect(data).toEqual({ file: 'a.mov', nested: { throughline: 1 } })
  expect((await boss.findJobs(jobs.queue, { id }))[0]?.output).toEqual({ frames: 24 })
  const [row] = seen.rows()
  expect(row).toMatchObject({ service: jobs.queue, operation: jobs.queue })
  expect(row?.metadata).toMatchObject({
    'job.id': id,
    'job.attempt': 1,
    'job.status': 'completed',
    'container.image.name': 'ffmpeg',
  })
  expect(row?.metadata).toHaveProperty('job.launch.latency_ms')
  expect(await seen.count('job.enqueued', { 'job.queue': jobs.queue })).toBe(1)
})

for (const kind of ['link', 'parent'] as const)
  test(`the correlation ID goes on in the worker and the trace goes on by ${kind}`, async () => {
    const jobs = await jobsOf({ trace: kind })
    const inside: { id?: string | undefined; trace?: string | undefined } = {}
    await correlation.run('order-7', () =>
      trace.getTracer('test').startActiveSpan('request', async (span) => {
        await boss.send(jobs.queue, withCarrier(jobs, { n: 1 }))
        span.end()
      }),
    )
    await trace.getTracer('test').startActiveSpan('startup', async (span) => {
      await boss.work(
        jobs.queue,
        often,
        handler(jobs, async () => {
          inside.id = correlation.id()
          inside.trace = trace.getSpanContext(context.active())?.traceId
        }),
      )
      await ended(1)
      span.end()
    })
    const [request] = seen.spans('request')
    const [sent] = seen.spans(`send ${jobs.queue}`)
    const [processed] = seen.spans(`process ${jobs.queue}`)
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
  const jobs = await jobsOf({}, { retryLimit: 2 })
  let tries = 0
  const given: unknown[] = []
  await boss.work(
    jobs.queue,
    often,
    handler(jobs, async ([job]: Job[]) => {
      given.push(job?.data)
      tries += 1
      if (tries === 1) throw new RangeError('out of frames')
    }),
  )
  await correlation.run('order-8', () => boss.send(jobs.queue, withCarrier(jobs, { n: 1 })))
  await ended(2)
  expect(summary()).toEqual([
    { attempt: 1, status: 'failed', error: 'RangeError' },
    { attempt: 2, status: 'completed', error: undefined },
  ])
  expect(given).toEqual([{ n: 1 }, { n: 1 }])
  expect(seen.rows().map((row) => row.correlationId)).toEqual(['order-8', 'order-8'])
  expect(await seen.count('job.retries', { 'job.queue': jobs.queue })).toBe(1)
  // When the second try was due is in the job's metadata only.
  expect(seen.rows()[1]?.metadata).not.toHaveProperty('job.launch.latency_ms')
})

test('a job that fails for good keeps its own error', async () => {
  const jobs = await jobsOf({}, { retryLimit: 0 })
  const error = new RangeError('no such codec')
  await boss.work(
    jobs.queue,
    often,
    handler(jobs, () => Promise.reject(error)),
  )
  const id = (await boss.send(jobs.queue, withCarrier(jobs, null))) ?? ''
  await until('it failed', async () => (await boss.findJobs(jobs.queue, { id }))[0]?.state === 'failed')
  expect((await boss.findJobs(jobs.queue, { id }))[0]?.output).toMatchObject({ message: 'no such codec' })
  expect(summary()).toEqual([{ attempt: 1, status: 'failed', error: 'RangeError' }])
  expect(await seen.count('job.retries', { 'job.queue': jobs.queue })).toBe(0)
})

test('a job without data has none in its handler either', async () => {
  const jobs = await jobsOf()
  const given: unknown[] = []
  await boss.work(
    jobs.queue,
    often,
    handler(jobs, async ([job]: Job[]) => void given.push(job?.data)),
  )
  await boss.send(jobs.queue, withCarrier(jobs, null))
  await ended(1)
  expect(given).toEqual([null])
})

test('a deferred job waits for a worker from when it is due, told by the sender or by the metadata', async () => {
  const jobs = await jobsOf()
  const told = { startAfter: 2 }
  await boss.send(jobs.queue, withCarrier(jobs, { n: 1 }, told), told)
  await boss.send(jobs.queue, { n: 2 }, told)
  await boss.work(
    jobs.queue,
    { ...often, includeMetadata: true },
    handler(jobs, async (_batch: JobWithMetadata[]) => {}, { type: 'video' }),
  )
  await ended(2)
  for (const row of seen.rows()) {
    expect(row.operation).toBe('video')
    expect(row.metadata['job.launch.latency_ms']).toBeLessThan(1_900)
  }
})

test('two workers share a queue: each job is one row', async () => {
  const jobs = await jobsOf()
  await boss.insert(
    jobs.queue,
    Array.from({ length: 20 }, (_, n) => ({ data: withCarrier(jobs, { n }) })),
  )
  const other = new PgBoss({ connectionString: database.url, supervise: false, schedule: false })
  other.on('error', () => {})
  await other.start()
  for (const worker of [boss, other])
    await worker.work(
      jobs.queue,
      { ...often, batchSize: 5, burstWhenBatchFull: true },
      handler(jobs, async () => {}),
    )
  await ended(20)
  await other.stop({ graceful: true })
  expect(new Set(seen.rows().map((row) => row.metadata['job.id'])).size).toBe(20)
  expect(await seen.count('job.processed', { 'job.queue': jobs.queue, 'job.status': 'completed' })).toBe(20)
})

test('a batch whose handler tells the outcome of each job: each row has its own', async () => {
  const jobs = await jobsOf({}, { retryLimit: 0 })
  await boss.insert(
    jobs.queue,
    [1, 2].map((n) => ({ data: withCarrier(jobs, { n }) })),
  )
  await boss.work<{ n: number }, unknown>(
    jobs.queue,
    { ...often, batchSize: 2, perJobResults: true as const },
    handler(jobs, async (batch: Job<{ n: number }>[]) =>
      batch.map(({ id, data }): JobResult => ({ id, status: data.n === 1 ? 'completed' : 'failed' })),
    ),
  )
  await ended(2)
  expect(summary().map(({ status, error }) => [status, error])).toEqual(
    expect.arrayContaining([
      ['completed', undefined],
      ['failed', 'JobFailed'],
    ]),
  )
})

test('a job that is cancelled before it runs is counted as cancelled, and has no row', async () => {
  const jobs = await jobsOf()
  const id = (await boss.send(jobs.queue, withCarrier(jobs, { n: 1 }))) ?? ''
  await boss.cancel(jobs.queue, id)
  expect(await queueState(boss, jobs.queue)()).toMatchObject({
    depth: 0,
    counts: { pending: 0, cancelled: 1 },
  })
  expect(seen.rows()).toEqual([])
})

test('a job that is cancelled while it runs is a cancelled row as soon as its heartbeat tells', async () => {
  const jobs = await jobsOf({}, { heartbeatSeconds: 10 })
  let running = false
  await boss.work(
    jobs.queue,
    { ...often, heartbeatRefreshSeconds: 0.1 },
    handler(jobs, async ([job]: Job[]) => {
      running = true
      await until('the signal', () => job?.signal.aborted)
      throw new Error('stopped')
    }),
  )
  const id = (await boss.send(jobs.queue, withCarrier(jobs, { n: 1 }))) ?? ''
  await until('it runs', () => running)
  await boss.cancel(jobs.queue, id)
  await ended(1)
  expect(summary()).toEqual([{ attempt: 1, status: 'cancelled', error: undefined }])
})

test('a job that runs into its limit of time has failed by then, whatever its handler still does', async () => {
  const jobs = await jobsOf({}, { expireInSeconds: 1, retryLimit: 0 })
  const hang = Promise.withResolvers<void>()
  await boss.work(
    jobs.queue,
    often,
    handler(jobs, () => hang.promise),
  )
  await boss.send(jobs.queue, withCarrier(jobs, { n: 1 }))
  await ended(1)
  expect(summary()).toEqual([{ attempt: 1, status: 'failed', error: 'JobTimeout' }])
  hang.resolve()
})

const garbage = [
  { throughline: 'text' },
  { throughline: [1] },
  { throughline: null },
  { throughline: { mine: 1 } },
  { throughline: { enqueued_at: 5, traceparent: {} } },
]
test('data that look like a carrier and are none reach the handler, and the job has an ID of its own', async () => {
  const jobs = await jobsOf()
  const given: unknown[] = []
  for (const data of garbage) await boss.send(jobs.queue, data)
  await boss.work(
    jobs.queue,
    { ...often, batchSize: 10 },
    handler(jobs, async (batch: Job[]) => void given.push(...batch.map((job) => job.data))),
  )
  await ended(garbage.length)
  expect(given).toEqual(expect.arrayContaining(garbage))
  expect(new Set(seen.rows().map((row) => row.correlationId)).size).toBe(garbage.length)
})

test('a carrier that was tampered with costs the link, not the job', async () => {
  const jobs = await jobsOf()
  const given: unknown[] = []
  const carrier = {
    enqueued_at: 'yesterday',
    traceparent: '00-0',
    'x-correlation-id': 'a\nb',
    tracestate: {},
  }
  await boss.send(jobs.queue, { n: 1, throughline: carrier })
  await boss.work(
    jobs.queue,
    often,
    handler(jobs, async ([job]: Job[]) => void given.push(job?.data)),
  )
  await ended(1)
  expect(given).toEqual([{ n: 1 }])
  expect(seen.rows()[0]?.correlationId).toMatch(/^[0-9a-f-]{36}$/)
  expect(summary()).toEqual([{ attempt: 1, status: 'completed', error: undefined }])
})

test('a job that somebody else enqueued has a row and an ID', async () => {
  const jobs = await jobsOf()
  await boss.send(jobs.queue, { n: 1 })
  await boss.work(
    jobs.queue,
    often,
    handler(jobs, async () => {}),
  )
  await ended(1)
  expect(seen.rows()[0]?.correlationId).toMatch(/^[0-9a-f-]{36}$/)
  expect(seen.spans(`process ${jobs.queue}`)[0]?.links).toEqual([])
})

test('a job whose process was killed is recorded by another: a failed row of its sender’s, and no launch', async () => {
  const jobs = await jobsOf()
  const id = await correlation.run('order-8', async () => boss.send(jobs.queue, withCarrier(jobs, { n: 1 })))
  await boss.fetch(jobs.queue)
  await boss.fail(jobs.queue, id ?? '')
  const [job] = await boss.findJobs<{ n: number }>(jobs.queue, { id: id ?? '' })
  const lost = Object.assign(new Error('no heartbeat'), { name: 'WorkerLost' })
  lostJob(jobs, job!, lost, { type: ({ data }) => `n${data.n}` })
  await ended(1)
  expect(job?.data).toEqual({ n: 1 })
  expect(seen.rows()[0]).toMatchObject({
    correlationId: 'order-8',
    operation: 'n1',
    error: { type: 'WorkerLost' },
    metadata: { 'job.id': id, 'job.status': 'failed' },
  })
  const labels = { 'job.queue': jobs.queue }
  expect(await seen.count('job.failures', labels)).toBe(1)
  for (const metric of ['container.job.launches', 'job.duration', 'job.concurrent.peak'])
    expect(await seen.count(metric, labels), metric).toBe(0)
})

test('the queue itself says how many jobs wait, run and ended, and how long the oldest has waited', async () => {
  const jobs = await jobsOf({}, { retryLimit: 0 })
  const state = queueState(boss, jobs.queue)
  expect(await state()).toMatchObject({ depth: 0, oldestEnqueuedAt: undefined, jobs: 0 })
  const first = (await boss.send(jobs.queue, { n: 1 })) ?? ''
  await boss.send(jobs.queue, { n: 2 })
  await boss.send(jobs.queue, { n: 3 }, { startAfter: 3_600 })
  const present = await state()
  expect(present).toMatchObject({ depth: 2, jobs: 3, counts: { pending: 3, running: 0 } })
  expect(present.oldestEnqueuedAt).toEqual((await boss.findJobs(jobs.queue, { id: first }))[0]?.createdOn)
  const [job, other] = await boss.fetch(jobs.queue, { batchSize: 2 })
  expect(await state()).toMatchObject({ depth: 0, counts: { pending: 1, running: 2 } })
  await boss.complete(jobs.queue, job?.id ?? '')
  await boss.fail(jobs.queue, other?.id ?? '')
  expect(await state()).toMatchObject({
    depth: 0,
    oldestEnqueuedAt: undefined,
    counts: { pending: 1, running: 0, completed: 1, failed: 1, cancelled: 0 },
  })
})

test('a queue that keeps more jobs than are read says what is known, and nothing wrong', async () => {
  const jobs = await jobsOf()
  await boss.insert(
    jobs.queue,
    Array.from({ length: 5 }, () => ({ data: {} })),
  )
  const { counts, depth } = await queueState(boss, jobs.queue, { schema: 'PGBOSS', maxJobs: 3 })()
  expect(depth).toBe(3)
  expect(counts).not.toHaveProperty('completed')
  expect(counts.pending).toBeGreaterThanOrEqual(3)
})

test('the code in the guide is what runs here', async () => {
  expect(isShown('pg-boss.ts')).toBe(true)
  await boss.createQueue('transcode')
  const { jobs, send } = await pgBoss(boss)
  opened.push(jobs)
  await send('a.mov')
  await ended(1)
  expect(summary()).toEqual([{ attempt: 1, status: 'completed', error: undefined }])
  await until('the queue counts it', async () => {
    await jobs.check()
    return (await seen.count('job.count', { 'job.queue': jobs.queue, 'job.status': 'completed' })) === 1
  })
})
