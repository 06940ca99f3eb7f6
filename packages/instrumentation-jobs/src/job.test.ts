import { setImmediate as turn } from 'node:timers/promises'
import { SpanStatusCode, trace } from '@opentelemetry/api'
import { correlation, track } from '@throughline/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Observed, observe } from '../testing/observe.js'
import { instrumentJobs } from './index.js'
import type { JobCarrier, Jobs } from './types.js'

let seen: Observed
let jobs: Jobs
beforeEach(() => {
  seen = observe()
  jobs = instrumentJobs({ queue: 'transcode' })
})
afterEach(async () => {
  jobs.close()
  await seen.close()
})

const rows = () => seen.sdk.operations
const row = () => rows()[0]!
const secondsAgo = (s: number) => new Date(Date.now() - s * 1_000)

test('a job that completes is one row with all that is known of it', async () => {
  const answer = await jobs.run(
    { id: 17, type: 'thumbnail', executionId: 'try-1', attempt: 2, enqueuedAt: secondsAgo(3) },
    async (execution) => {
      await execution.phase('pulling', async () => turn())
      execution.phase('creating', () => execution.set({ 'container.id': 'c0ffee' }))
      await execution.phase('running', async () => turn())
      return 'done'
    },
  )
  expect(answer).toBe('done')
  expect(rows()).toHaveLength(1)
  expect(row()).toMatchObject({
    name: 'transcode.thumbnail',
    service: 'transcode',
    operation: 'thumbnail',
    outcome: 'success',
    metadata: {
      'job.id': '17',
      'job.execution.id': 'try-1',
      'job.queue': 'transcode',
      'job.type': 'thumbnail',
      'job.attempt': 2,
      'job.status': 'completed',
      'job.enqueued_at': expect.stringMatching(/^\d{4}-.*Z$/),
      'container.id': 'c0ffee',
    },
  })
  const { metadata } = row()
  const phases = metadata['job.phases'] as Record<string, number>
  expect(Object.keys(phases)).toEqual(['queued_ms', 'pulling_ms', 'creating_ms', 'running_ms'])
  expect(phases.queued_ms).toBeGreaterThanOrEqual(3_000)
  expect(phases.queued_ms).toBeLessThan(4_000)
  const latency = metadata['job.launch.latency_ms'] as number
  expect(latency).toBeGreaterThanOrEqual(phases.queued_ms! + phases.pulling_ms!)
})

test('a job that fails rejects with the same error, and row, span and metric name it', async () => {
  const error = Object.assign(new Error('exit code 3'), { name: 'ExitCode' })
  const running = jobs.run({ id: '1', type: 'thumbnail' }, async () => {
    throw error
  })
  await expect(running).rejects.toBe(error)
  expect(row()).toMatchObject({
    outcome: 'failure',
    error: { type: 'ExitCode', message: 'exit code 3' },
    metadata: { 'job.status': 'failed' },
  })
  const [span] = seen.spans('process transcode')
  expect(span?.status.code).toBe(SpanStatusCode.ERROR)
  expect(span?.attributes).toMatchObject({ 'error.type': 'ExitCode', 'job.status': 'failed' })
  expect(await seen.of('job.failures')).toMatchObject([
    { value: 1, attributes: { 'job.queue': 'transcode', 'job.type': 'thumbnail', 'error.type': 'ExitCode' } },
  ])
})

test.each([
  ['returns', async () => 'late'],
  [
    'throws',
    async () => {
      throw new DOMException('aborted', 'AbortError')
    },
  ],
])('a job that is cancelled and then %s is no failure and no success', async (_, end) => {
  const running = jobs.run({ id: '1', type: 'thumbnail' }, (execution) => {
    execution.cancel('asked by ada')
    return end()
  })
  await running.catch((error: unknown) => expect(error).toHaveProperty('name', 'AbortError'))
  expect(rows()).toHaveLength(1)
  expect(row()).toMatchObject({
    outcome: 'abandoned',
    error: undefined,
    metadata: { 'job.status': 'cancelled', 'job.cancel_reason': 'asked by ada' },
  })
  expect(await seen.of('job.failures')).toEqual([])
  expect(await seen.of('job.processed')).toMatchObject([
    { value: 1, attributes: { 'job.status': 'cancelled' } },
  ])
})

test('a job in a function that throws before it returns a promise rejects, and is recorded', async () => {
  const running = jobs.run({ id: '1', type: 'thumbnail' }, () => {
    throw new RangeError('no')
  })
  await expect(running).rejects.toThrow(RangeError)
  expect(row().error?.type).toBe('RangeError')
})

test('a begun job goes on until it is told, and its first end counts', async () => {
  const done = jobs.begin({ id: '1', type: 'thumbnail' })
  const failed = jobs.begin({ id: '2', type: 'thumbnail' })
  const cancelled = jobs.begin({ id: '3', type: 'thumbnail' })
  await turn()
  expect(rows()).toHaveLength(0)
  done.complete('anything')
  done.fail(new Error('too late'))
  failed.fail(new TypeError('no'))
  failed.cancel()
  cancelled.cancel('asked')
  cancelled.complete()
  await seen.sdk.settled()
  expect(
    rows().map(({ metadata, outcome }) => [metadata['job.id'], metadata['job.status'], outcome]),
  ).toEqual([
    ['1', 'completed', 'success'],
    ['2', 'failed', 'failure'],
    ['3', 'cancelled', 'abandoned'],
  ])
  expect(rows()[1]?.error?.type).toBe('TypeError')
})

test('code that a begun job runs belongs to it', async () => {
  const job = jobs.begin({ id: '1', type: 'thumbnail' })
  const inside = job.within(track('Inner.work', () => correlation.fields()))
  expect(inside).toMatchObject({ 'job.id': '1', 'job.execution.id': job.executionId })
  expect(correlation.fields()).toEqual({})
  job.complete()
  await seen.sdk.settled()
  const [inner, outer] = rows()
  expect(inner).toMatchObject({ name: 'Inner.work', parentSpanId: outer?.spanId, traceId: outer?.traceId })
  expect(inner?.correlationId).toBe(outer?.correlationId)
})

test('log lines inside a job have its IDs, also after an await, and outside of it not', async () => {
  await jobs.run({ id: 'a-1', type: 'thumbnail', executionId: 'try-1' }, async () => {
    await turn()
    expect(correlation.fields()).toMatchObject({ 'job.id': 'a-1', 'job.execution.id': 'try-1' })
  })
  expect(correlation.fields()).toEqual({})
})

test('by default a job has a trace of its own that is linked to its producer; the correlation ID goes on', async () => {
  const carrier = correlation.run('order-1', () => jobs.enqueued({ id: '1', type: 'thumbnail' }))
  // As a queue keeps it.
  const kept = JSON.parse(JSON.stringify(carrier)) as JobCarrier
  expect(kept).toEqual(carrier)
  expect(kept).toEqual({
    traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/),
    'x-correlation-id': 'order-1',
    enqueued_at: expect.stringMatching(/Z$/),
  })
  await correlation.run('of-the-loop', () =>
    jobs.run({ id: '1', type: 'thumbnail', carrier: kept }, async () => {
      expect(correlation.id()).toBe('order-1')
    }),
  )
  const [send] = seen.spans('send transcode')
  const [process] = seen.spans('process transcode')
  expect(process?.parentSpanContext).toBeUndefined()
  expect(process?.links.map(({ context }) => context.spanId)).toEqual([send?.spanContext().spanId])
  expect(process?.spanContext().traceId).not.toBe(send?.spanContext().traceId)
  expect(row()).toMatchObject({
    correlationId: 'order-1',
    traceId: process?.spanContext().traceId,
    parentSpanId: process?.spanContext().spanId,
  })
})

test('as a child the job goes on in the trace of its producer', async () => {
  const parent = instrumentJobs({ queue: 'transcode', trace: 'parent' })
  await parent.run(
    { id: '1', type: 'thumbnail', carrier: parent.enqueued({ id: '1', type: 'thumbnail' }) },
    () => {},
  )
  const [send] = seen.spans('send transcode')
  const [process] = seen.spans('process transcode')
  expect(process?.parentSpanContext?.spanId).toBe(send?.spanContext().spanId)
  expect(row().traceId).toBe(send?.spanContext().traceId)
  parent.close()
})

test('spans tell of the message as the conventions for messaging have it', async () => {
  const own = instrumentJobs({ queue: 'transcode', system: 'pg-boss' })
  own.enqueued({ id: 'm-1', type: 'thumbnail' })
  await own.run({ id: 'm-1', type: 'thumbnail', attempt: 3 }, () => {})
  const common = {
    'messaging.system': 'pg-boss',
    'messaging.destination.name': 'transcode',
    'messaging.message.id': 'm-1',
    'job.id': 'm-1',
    'job.type': 'thumbnail',
  }
  expect(seen.spans('send transcode')[0]?.attributes).toMatchObject({
    ...common,
    'messaging.operation.type': 'send',
  })
  expect(seen.spans('process transcode')[0]?.attributes).toMatchObject({
    ...common,
    'messaging.operation.type': 'process',
    'job.attempt': 3,
  })
  own.close()
})

test('phases are spans below the job, the wait with its past start, and code in a phase is below it', async () => {
  const enqueuedAt = secondsAgo(2)
  await jobs.run({ id: '1', type: 'thumbnail', enqueuedAt }, async (execution) => {
    await execution.phase('creating', async () => {
      await turn()
      trace.getTracer('docker').startSpan('POST /containers/create').end()
    })
    await expect(
      execution.phase('running', async () => {
        throw new RangeError('killed')
      }),
    ).rejects.toThrow('killed')
  })
  const job = row().spanId
  const parentOf = (name: string) => seen.spans(name)[0]?.parentSpanContext?.spanId
  expect(['queued', 'creating', 'running'].map(parentOf)).toEqual([job, job, job])
  expect(parentOf('POST /containers/create')).toBe(seen.spans('creating')[0]?.spanContext().spanId)
  const [queued] = seen.spans('queued')
  expect(queued?.startTime[0]).toBe(Math.floor(enqueuedAt.getTime() / 1_000))
  expect(seen.spans('running')[0]).toMatchObject({
    status: { code: SpanStatusCode.ERROR, message: 'killed' },
    attributes: { 'error.type': 'RangeError', 'job.phase': 'running' },
  })
  expect(row().outcome).toBe('success')
})

test('a phase that comes again adds up, and one inside of another is below it', async () => {
  await jobs.run({ id: '1', type: 'thumbnail' }, async (execution) => {
    for (let i = 0; i < 3; i += 1) await execution.phase('running', async () => turn())
    execution.phase('collecting', () => execution.phase('removing', () => 1))
  })
  expect(await seen.of('job.phase.duration', { 'job.phase': 'running' })).toMatchObject([{ count: 3 }])
  expect(Object.keys(row().metadata['job.phases'] as object)).toEqual([
    'running_ms',
    'removing_ms',
    'collecting_ms',
  ])
  expect(seen.spans('removing')[0]?.parentSpanContext?.spanId).toBe(
    seen.spans('collecting')[0]?.spanContext().spanId,
  )
})

test('a phase in a process that only watches is a part of its job', async () => {
  const job = jobs.begin({ id: '1', type: 'thumbnail' })
  await job.phase('creating', async () => turn())
  job.complete()
  await seen.sdk.settled()
  expect(seen.spans('creating')[0]?.parentSpanContext?.spanId).toBe(row().spanId)
})

test('a rejection in a phase that nobody handles is reported as ever', async () => {
  const unhandled: unknown[] = []
  const listener = (reason: unknown) => void unhandled.push(reason)
  process.on('unhandledRejection', listener)
  const error = new Error('nobody sees this')
  await jobs.run({ id: '1', type: 'thumbnail' }, (execution) => {
    void execution.phase('collecting', async () => {
      throw error
    })
  })
  await turn()
  await turn()
  process.off('unhandledRejection', listener)
  expect(unhandled).toEqual([error])
})

test('a job that is left when the process ends leaves a row that says whose', async () => {
  const { abandonOpen } = await import('@throughline/core/runtime')
  const job = jobs.begin({ id: '9', type: 'thumbnail' })
  job.phase('creating', () => {})
  abandonOpen()
  expect(row()).toMatchObject({
    outcome: 'abandoned',
    metadata: { 'job.id': '9', 'job.status': 'running', 'job.phases': { creating_ms: expect.any(Number) } },
  })
  job.complete()
})
