import { context, trace } from '@opentelemetry/api'
import { correlation } from '@throughline/core'
import {
  DelayedError,
  FlowProducer,
  type Job,
  Queue,
  UnrecoverableError,
  Worker,
  type WorkerOptions,
} from 'bullmq'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../../sdk/testing/until.js'
import { bullmq } from '../../testing/guide/bullmq.js'
import { isShown } from '../../testing/guide/shown.js'
import { noRedis, startRedis, type TestRedis } from '../../testing/redis.js'
import { useTelemetry } from '../../testing/use-telemetry.js'
import { executionOf, processor, queueState, telemetry, watchWorker, withCarrier } from '../bullmq.js'
import { instrumentJobs } from '../index.js'
import type { Jobs, JobsOptions } from '../types.js'

const reason = noRedis()
const title = 'jobs of BullMQ on a real Redis'

describe.skipIf(reason !== undefined)(reason === undefined ? title : `${title} (${reason})`, () => {
  const seen = useTelemetry()
  const { ended, kept } = seen
  let redis: TestRedis
  let queues = 0

  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis?.stop())
  const connection = () => ({ path: redis.path, maxRetriesPerRequest: null })

  const queueOf = (options: Partial<JobsOptions> = {}) => {
    queues += 1
    const name = `transcode-${queues}`
    const jobs = kept(
      instrumentJobs({ queue: name, system: 'bullmq', intervalMs: 60_000, host: false, ...options }),
    )
    const queue = kept(new Queue(name, { connection: connection(), telemetry: telemetry(jobs) }))
    return { jobs, queue }
  }
  const work = <D, R>(
    jobs: Jobs,
    fn: (job: Job<D, R>, token?: string, signal?: AbortSignal) => Promise<R>,
    options: Partial<WorkerOptions> = {},
  ) => {
    const worker = kept(
      new Worker<D, R>(jobs.queue, processor(jobs, fn), {
        connection: connection(),
        drainDelay: 1,
        ...options,
      }),
    )
    worker.on('error', () => {})
    watchWorker(jobs, worker)
    return worker
  }
  const summary = () =>
    seen.rows().map(({ metadata, outcome, error }) => ({
      attempt: metadata['job.attempt'],
      status: metadata['job.status'],
      outcome,
      error: error?.type,
    }))

  test('a job runs once with the data that were sent, and its result is what the queue keeps', async () => {
    const { jobs, queue } = queueOf()
    const data = { file: 'a.mov', 'x-correlation-id': 'of the user' }
    const given: unknown[] = []
    const results: unknown[] = []
    const worker = work<typeof data, { frames: number }>(jobs, async (job, token) => {
      given.push(job.data, typeof token)
      executionOf(job)?.set({ 'container.image.name': 'ffmpeg' })
      return { frames: 24 }
    })
    worker.on('completed', (_job, result) => results.push(result))
    const added = await queue.add('video', data)
    await until('the result', () => results.length === 1)
    expect(given).toEqual([data, 'string'])
    expect(results).toEqual([{ frames: 24 }])
    const [row] = seen.rows()
    expect(row).toMatchObject({ service: jobs.queue, operation: 'video' })
    expect(row?.metadata).toMatchObject({
      'job.id': added.id,
      'job.type': 'video',
      'job.queue': jobs.queue,
      'job.attempt': 1,
      'job.status': 'completed',
      'container.image.name': 'ffmpeg',
    })
    expect(await seen.count('job.enqueued', { 'job.queue': jobs.queue, 'job.type': 'video' })).toBe(1)
    const stored = await queue.getJob(added.id ?? '')
    expect(stored?.data).toEqual(data)
  })

  for (const kind of ['link', 'parent'] as const)
    test(`the correlation ID goes on in the worker and the trace goes on by ${kind}`, async () => {
      const { jobs, queue } = queueOf({ trace: kind })
      const inside: { id?: string | undefined; trace?: string | undefined } = {}
      await correlation.run('order-7', () =>
        trace.getTracer('test').startActiveSpan('request', async (span) => {
          await queue.add('video', {})
          span.end()
        }),
      )
      // A worker that is begun in the middle of something else takes nothing of it along.
      await trace.getTracer('test').startActiveSpan('startup', async (span) => {
        work(jobs, async () => {
          inside.id = correlation.id()
          inside.trace = trace.getSpanContext(context.active())?.traceId
        })
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
        expect(processed?.spanContext().traceId).toBe(request?.spanContext().traceId)
      } else {
        expect(processed?.parentSpanContext).toBeUndefined()
        expect(processed?.spanContext().traceId).not.toBe(request?.spanContext().traceId)
        expect(processed?.links.map((one) => one.context.spanId)).toEqual([sent?.spanContext().spanId])
      }
    })

  test('a job that fails and is tried again: a row for each try, one retry, the same correlation ID', async () => {
    const { jobs, queue } = queueOf()
    let tries = 0
    work(jobs, async () => {
      tries += 1
      if (tries === 1) throw new RangeError('out of frames')
      return tries
    })
    await correlation.run('order-8', () => queue.add('video', {}, { attempts: 3 }))
    await ended(2)
    expect(summary()).toEqual([
      { attempt: 1, status: 'failed', outcome: 'failure', error: 'RangeError' },
      { attempt: 2, status: 'completed', outcome: 'success', error: undefined },
    ])
    expect(seen.rows().map((row) => row.correlationId)).toEqual(['order-8', 'order-8'])
    expect(await seen.count('job.retries', { 'job.queue': jobs.queue, 'job.type': 'video' })).toBe(1)
    // BullMQ does not say when the second try became ready.
    expect(seen.rows()[0]?.metadata).toHaveProperty('job.launch.latency_ms')
    expect(seen.rows()[1]?.metadata).not.toHaveProperty('job.launch.latency_ms')
  })

  test('a job that fails for good keeps its own error, and is no retry', async () => {
    const { jobs, queue } = queueOf()
    const failures: Error[] = []
    const worker = work(jobs, async () => {
      throw new UnrecoverableError('no such codec')
    })
    worker.on('failed', (_job, error) => failures.push(error))
    const added = await queue.add('video', {}, { attempts: 5 })
    await until('the failure', () => failures.length === 1)
    expect(failures[0]).toBeInstanceOf(UnrecoverableError)
    expect((await queue.getJob(added.id ?? ''))?.failedReason).toBe('no such codec')
    expect(summary()).toEqual([
      { attempt: 1, status: 'failed', outcome: 'failure', error: 'UnrecoverableError' },
    ])
    expect(await seen.count('job.retries', { 'job.queue': jobs.queue })).toBe(0)
  })

  test('a delayed job waits for a worker from when it is due', async () => {
    const { jobs, queue } = queueOf()
    work(jobs, async () => {})
    await queue.add('video', {}, { delay: 1_500 })
    await ended(1)
    const latency = seen.rows()[0]?.metadata['job.launch.latency_ms'] as number
    expect(latency).toBeGreaterThanOrEqual(0)
    expect(latency).toBeLessThan(1_400)
  })

  test('two workers share a queue: each job is one row', async () => {
    const { jobs, queue } = queueOf()
    const other = kept(instrumentJobs({ queue: jobs.queue, intervalMs: 60_000, host: false }))
    const bulk = Array.from({ length: 20 }, (_, n) => ({ name: 'video', data: { n } }))
    await correlation.run('order-11', () => queue.addBulk(bulk))
    const worker = work(jobs, async () => {}, { concurrency: 2 })
    work(other, async () => {}, { concurrency: 2 })
    await ended(20)
    await worker.close()
    expect(new Set(seen.rows().map((row) => row.correlationId))).toEqual(new Set(['order-11']))
    expect(new Set(seen.rows().map((row) => row.metadata['job.id'])).size).toBe(20)
    expect(await seen.count('job.processed', { 'job.queue': jobs.queue, 'job.status': 'completed' })).toBe(20)
  })

  test('the jobs of a bulk have a carrier each, if they are given one', async () => {
    const { jobs, queue } = queueOf()
    const bulk = ['video', 'audio'].map((name) =>
      withCarrier(jobs, { name, data: { name }, opts: { priority: 2 } }),
    )
    await queue.addBulk(bulk)
    work(jobs, async () => {})
    await ended(2)
    const links = seen.spans(`process ${jobs.queue}`).map((span) => span.links[0]?.context.spanId)
    expect(new Set(links).size).toBe(2)
    expect(await seen.count('job.enqueued', { 'job.queue': jobs.queue })).toBe(2)
  })

  test('a flow: its children and their parent are jobs of one correlation ID', async () => {
    const { jobs } = queueOf()
    const flows = kept(new FlowProducer({ connection: connection(), telemetry: telemetry(jobs) }))
    work(jobs, async () => {})
    await correlation.run('order-9', () =>
      flows.add({
        name: 'film',
        queueName: jobs.queue,
        opts: {},
        children: [withCarrier(jobs, { name: 'scene', queueName: jobs.queue, data: {} })],
      }),
    )
    await ended(2)
    expect(seen.rows().map((row) => row.operation)).toEqual(['scene', 'film'])
    expect(seen.rows().map((row) => row.correlationId)).toEqual(['order-9', 'order-9'])
  })

  test('the jobs of a scheduler have an ID each, not that of who made the schedule', async () => {
    const { jobs, queue } = queueOf()
    work(jobs, async () => {})
    await correlation.run('order-10', () =>
      queue.upsertJobScheduler('often', { every: 50 }, { name: 'sweep' }),
    )
    await ended(2)
    await queue.removeJobScheduler('often')
    const ids = seen.rows().map((row) => row.correlationId)
    expect(new Set(['order-10', ...ids]).size).toBe(ids.length + 1)
  })

  test('a job whose worker is lost is counted as stalled, and its next try is the second', async () => {
    const { jobs, queue } = queueOf()
    await queue.add('video', {})
    const hang = Promise.withResolvers<void>()
    let tries = 0
    // The lost one: it never renews its lock, and the job never ends.
    work(jobs, () => (tries++ === 0 ? hang.promise : Promise.resolve()), {
      lockDuration: 150,
      skipLockRenewal: true,
      skipStalledCheck: true,
    })
    await until('the job is taken', () => tries === 1)
    work(jobs, async () => {}, { stalledInterval: 100 })
    await until('the second try', () => summary().some(({ attempt }) => attempt === 2))
    expect(await seen.count('job.stalls', { 'job.queue': jobs.queue })).toBe(1)
    expect(summary()).toContainEqual({
      attempt: 2,
      status: 'completed',
      outcome: 'success',
      error: undefined,
    })
    hang.resolve()
  })

  test('a job that stalled too often is a failed row, though nothing ran', async () => {
    const { jobs, queue } = queueOf()
    await queue.add('video', {})
    const hang = Promise.withResolvers<void>()
    let taken = false
    const lost = work(
      jobs,
      () => {
        taken = true
        return hang.promise
      },
      { lockDuration: 150, skipLockRenewal: true, skipStalledCheck: true },
    )
    await until('the job is taken', () => taken)
    work(jobs, async () => {}, { stalledInterval: 100, maxStalledCount: 0 })
    await ended(1)
    expect(summary()[0]).toMatchObject({ status: 'failed', error: 'UnrecoverableError' })
    expect(await seen.count('container.job.launches', { 'job.queue': jobs.queue })).toBe(0)
    hang.resolve()
    await lost.close(true)
  })

  const garbage = ['{', '"text"', '[1]', '{"traceparent":{"a":1},"x-correlation-id":7}', 'x'.repeat(100_000)]
  test('whatever stands in the place of a carrier, the job runs and has an ID of its own', async () => {
    const { jobs } = queueOf()
    const foreign = kept(new Queue(jobs.queue, { connection: connection() }))
    for (const metadata of garbage) await foreign.add('video', { kept: true }, { telemetry: { metadata } })
    const data: unknown[] = []
    work(jobs, async (job) => void data.push(job.data))
    await ended(garbage.length)
    expect(data).toEqual(garbage.map(() => ({ kept: true })))
    expect(seen.rows().every((row) => row.outcome === 'success')).toBe(true)
    expect(new Set(seen.rows().map((row) => row.correlationId)).size).toBe(garbage.length)
  })

  test('a job that somebody else enqueued has a row, an ID and a launch latency', async () => {
    const { jobs } = queueOf()
    const foreign = kept(new Queue(jobs.queue, { connection: connection() }))
    await foreign.add('video', { n: 1 })
    work(jobs, async () => {})
    await ended(1)
    const [row] = seen.rows()
    expect(row?.correlationId).toMatch(/^[0-9a-f-]{36}$/)
    expect(row?.metadata).toHaveProperty('job.launch.latency_ms')
    expect(seen.spans(`process ${jobs.queue}`)[0]?.links).toEqual([])
  })

  test('a try that gives its job back to wait is cancelled, not failed', async () => {
    const { jobs, queue } = queueOf()
    let tries = 0
    work(jobs, async (job, token) => {
      tries += 1
      if (tries > 1) return
      await job.moveToDelayed(Date.now() + 20, token)
      throw new DelayedError()
    })
    await queue.add('video', {})
    await ended(2)
    expect(summary().map(({ status }) => status)).toEqual(['cancelled', 'completed'])
    expect(await seen.count('job.failures', { 'job.queue': jobs.queue })).toBe(0)
  })

  test('a processor that declares a signal gets one', async () => {
    const { jobs, queue } = queueOf()
    const aborted: unknown[] = []
    const worker = work<unknown, void>(jobs, async (_job, _token, signal) => {
      signal?.addEventListener('abort', () => aborted.push(signal.reason))
      await until('the signal', () => signal?.aborted)
      throw new Error('stopped')
    })
    const added = await queue.add('video', {})
    await until('the job is cancelled', () => worker.cancelJob(added.id ?? '', 'by hand'))
    await ended(1)
    expect(aborted).toHaveLength(1)
  })

  test('the queue itself says how many jobs wait, run and ended, and how long the oldest has waited', async () => {
    const { jobs, queue } = queueOf()
    const state = queueState(queue)
    expect(await state()).toMatchObject({ depth: 0, oldestEnqueuedAt: undefined, counts: { pending: 0 } })
    const before = Date.now()
    await queue.add('video', {})
    await queue.add('video', {}, { priority: 3 })
    await queue.add('video', {}, { delay: 60_000 })
    const present = await state()
    expect(present).toMatchObject({
      depth: 2,
      jobs: 3,
      counts: { pending: 3, running: 0, completed: 0, failed: 0 },
    })
    expect(present.oldestEnqueuedAt).toBeGreaterThanOrEqual(before)
    const hang = Promise.withResolvers<void>()
    let tries = 0
    work(jobs, () => (tries++ === 0 ? Promise.reject(new Error('no')) : hang.promise))
    await until('one runs', async () => (await state()).counts.running === 1)
    expect(await state()).toMatchObject({ depth: 0, counts: { pending: 1, running: 1, failed: 1 } })
    expect((await state()).oldestEnqueuedAt).toBeUndefined()
    hang.resolve()
    await until('it ended', async () => (await state()).counts.completed === 1)
  })

  test('the code in the guide is what runs here', async () => {
    expect(isShown('bullmq.ts')).toBe(true)
    const { jobs, queue, worker } = bullmq(connection())
    for (const one of [jobs, queue, worker]) kept(one)
    await queue.add('video', { file: 'a.mov' })
    await ended(1)
    expect(seen.rows()[0]?.metadata).toMatchObject({ 'job.status': 'completed', frames: 5 })
    await until('the queue counts it', async () => {
      await jobs.check()
      return (await seen.count('job.count', { 'job.queue': jobs.queue, 'job.status': 'completed' })) === 1
    })
    expect(await seen.count('job.queue.depth', { 'job.queue': jobs.queue })).toBe(0)
  })
})
