import { metrics, trace } from '@opentelemetry/api'
import { correlation } from '@throughline/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Observed, observe } from '../testing/observe.js'
import { clean } from './clean.js'
import { instrumentJobs } from './index.js'
import type { Job, JobCarrier, Jobs } from './types.js'

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

test('what runs in the container is told the trace and the correlation ID of its job', async () => {
  const carrier = correlation.run('order-1', () => jobs.enqueued({ id: '1', type: 'thumbnail' }))
  await jobs.run({ id: '1', type: 'thumbnail', carrier }, async (execution) => {
    const inPhase = execution.phase('creating', () => execution.env())
    expect(inPhase).toEqual(execution.env())
    const { traceId, spanId } = await import('@throughline/core').then(
      ({ currentOperation }) => currentOperation()!,
    )
    expect(execution.env()).toEqual({
      TRACEPARENT: `00-${traceId}-${spanId}-01`,
      CORRELATION_ID: 'order-1',
    })
    expect(execution.labels()).toEqual({
      'throughline.job.id': '1',
      'throughline.job.type': 'thumbnail',
      'throughline.job.queue': 'transcode',
      'throughline.correlation_id': 'order-1',
      'throughline.traceparent': `00-${traceId}-${spanId}-01`,
    })
  })
})

test('a trace state goes on into the container', async () => {
  const carrier = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, tracestate: 'vendor=x' }
  const parent = instrumentJobs({ queue: 'transcode', trace: 'parent' })
  await parent.run({ id: '1', type: 'thumbnail', carrier }, (execution) => {
    expect(execution.env()).toMatchObject({ TRACESTATE: 'vendor=x' })
    expect(execution.env().TRACEPARENT).toContain('a'.repeat(32))
  })
  parent.close()
})

const hostile: [string, string][] = [
  ['a new line', 'a\nLD_PRELOAD=/tmp/x.so'],
  ['a carriage return', 'a\r\nSet-Cookie: x'],
  ['NUL', 'a\0b'],
  ['an escape sequence', '\u001b[2J'],
  ['a text that runs backwards', 'a\u202egnp.exe'],
  ['a line separator', 'a\u2028b'],
  ['half a character', 'a\ud83d'],
  ['a megabyte', 'x'.repeat(1_000_000)],
  ['a megabyte of characters of two', '😀'.repeat(500_000)],
]

test.each(hostile)(
  '%s in the ID and the type of a job gets into no label, variable, span, row or log',
  async (_, text) => {
    const isClean = (value: string) =>
      value.length <= 256 && value.isWellFormed() && !/[\p{Cc}\u202e\u2028]/u.test(value)
    const fields = await jobs.run({ id: text, type: text, executionId: text }, (execution) => {
      const values = [...Object.values(execution.labels()), ...Object.values(execution.env())]
      expect(values.filter((value) => !isClean(value))).toEqual([])
      expect(values.length).toBeGreaterThan(5)
      return correlation.fields()
    })
    expect(Object.keys(fields)).toContain('job.id')
    expect(seen.sdk.notices).toEqual([])
    const [row] = seen.sdk.operations
    const shown = [
      ...Object.values(fields),
      row!.name,
      ...Object.values(row!.metadata),
      ...seen.spans().flatMap((span) => Object.values(span.attributes)),
      ...(await seen.points()).flatMap(({ attributes }) => Object.values(attributes)),
    ].filter((value): value is string => typeof value === 'string')
    expect(shown.filter((value) => !isClean(value))).toEqual([])
  },
)

test('text that anybody may read stays as it is', () => {
  for (const text of ['order-1', 'Gemüse 日本語', 'a/b:c@sha256', '😀', 'x'.repeat(256)])
    expect(clean(text)).toBe(text)
  expect(clean('x'.repeat(257))).toBe('x'.repeat(256))
  expect(clean(17)).toBe('17')
  expect(clean({ toString: () => 'x' })).toBe('')
})

const carriers: [string, unknown][] = [
  ['null', null],
  ['text', 'traceparent'],
  ['a list', [1, 2]],
  ['other types inside', { traceparent: 7, 'x-correlation-id': { a: 1 }, enqueued_at: [] }],
  ['an invalid trace', { traceparent: '00-zz-zz-01', 'x-correlation-id': 'a b', enqueued_at: 'tomorrow' }],
  ['a huge text', { traceparent: 'x'.repeat(5_000_000), enqueued_at: '9'.repeat(5_000_000) }],
  ['inherited values', Object.create({ traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` })],
  [
    'a getter that throws',
    {
      get traceparent() {
        throw new Error('no')
      },
    },
  ],
]

test.each(carriers)(
  '%s as a carrier is as good as none: the job runs, under a new ID',
  async (_, carrier) => {
    const job = { id: '1', type: 'thumbnail', carrier: carrier as JobCarrier }
    expect(await jobs.run(job, () => correlation.id())).toMatch(/^[0-9a-f-]{36}$/)
    expect(seen.sdk.operations).toHaveLength(1)
    expect(seen.sdk.operations[0]?.metadata).not.toHaveProperty('job.enqueued_at')
    expect(seen.spans('process transcode')[0]?.links).toEqual([])
  },
)

test('a time of enqueueing that lies ahead is a wait of nothing', async () => {
  const enqueuedAt = new Date(Date.now() + 60_000)
  await jobs.run({ id: '1', type: 'thumbnail', enqueuedAt }, () => {})
  expect(seen.sdk.operations[0]?.metadata['job.phases']).toEqual({ queued_ms: 0 })
  expect((await seen.of('job.launch.latency'))[0]?.value).toBeLessThan(1)
})

test('a job that cannot be read runs all the same', async () => {
  const jobsOf: unknown[] = [
    null,
    {},
    new Proxy({}, { get: () => Reflect.get(null as unknown as object, 'x') }),
    { id: Symbol('x'), type: {}, attempt: 'x', enqueuedAt: {}, executionId: [] },
  ]
  for (const job of jobsOf) expect(await jobs.run(job as Job, () => 'done')).toBe('done')
  expect(seen.sdk.operations.map(({ operation }) => operation)).toEqual(Array(4).fill('unknown'))
  expect(jobs.enqueued(null as unknown as Job)).toEqual({ enqueued_at: expect.any(String) })
})

test('a tracer and a meter that throw cost their figures, not the job, its phases or its row', async () => {
  const broken = () => {
    throw new Error('broken')
  }
  trace.disable()
  metrics.disable()
  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan: broken, startActiveSpan: broken }) })
  metrics.setGlobalMeterProvider({ getMeter: broken })
  const job = {
    id: '1',
    type: 'thumbnail',
    enqueuedAt: new Date(),
    carrier: jobs.enqueued({ type: 'thumbnail' }),
  }
  const error = new RangeError('of the job')
  expect(await jobs.run(job, (execution) => execution.phase('running', async () => 7))).toBe(7)
  await expect(
    jobs.run(job, (execution) => execution.phase('creating', () => Promise.reject(error))),
  ).rejects.toBe(error)
  jobs.begin(job).complete()
  jobs.retried('thumbnail')
  jobs.stalled()
  await jobs.check()
  expect(await jobs.statusCheck(() => 5)).toBe(5)
})
