import { readFileSync } from 'node:fs'
import { diag, metrics } from '@opentelemetry/api'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Observed, observe } from '../testing/observe.js'
import { instrumentJobs } from './index.js'
import type { JobExecution, Jobs } from './types.js'
import { SCOPE, VERSION } from './version.js'

let seen: Observed
let jobs: Jobs
beforeEach(() => {
  seen = observe()
  jobs = instrumentJobs({
    queue: 'transcode',
    capacity: 4,
    intervalMs: 60_000,
    state: () => ({
      counts: { pending: 7, running: 2, completed: 90, failed: 3, cancelled: 1 },
      depth: 7,
      oldestEnqueuedAt: Date.now() - 30_000,
      jobs: 103,
    }),
  })
})
afterEach(async () => {
  jobs.close()
  await seen.close()
})

const ofJob = { 'job.queue': 'transcode', 'job.type': 'thumbnail' }

/** One of each kind of end, all that is measured at least once. */
async function aDay(): Promise<void> {
  jobs.enqueued({ id: '1', type: 'thumbnail' })
  await jobs.run({ id: '1', type: 'thumbnail', enqueuedAt: Date.now() - 2_000 }, async (execution) => {
    for (const phase of ['pulling', 'creating', 'starting', 'running', 'collecting', 'removing'] as const)
      await execution.phase(phase, async () => {})
  })
  await jobs.run({ id: '2', type: 'thumbnail' }, () => Promise.reject(new TypeError('no'))).catch(() => {})
  jobs.begin({ id: '3', type: 'thumbnail' }).cancel()
  jobs.retried('thumbnail')
  jobs.stalled('thumbnail', 2)
  await jobs.check()
  await jobs.statusCheck(() => Promise.reject(new RangeError('away'))).catch(() => {})
}

test('every metric has its name, kind, unit and labels, and no other is there', async () => {
  await aDay()
  const shapes = Map.groupBy(await seen.points(), ({ name }) => name)
  const shape = Object.fromEntries(
    [...shapes].map(([name, points]) => [
      name,
      [
        points[0]!.kind,
        points[0]!.unit,
        [...new Set(points.flatMap((one) => Object.keys(one.attributes)))].sort(),
      ],
    ]),
  )
  expect(shape).toEqual({
    'container.job.launches': ['counter', '{launch}', ['job.queue', 'job.type']],
    'container.job.duration': ['histogram', 's', ['job.queue', 'job.status', 'job.type']],
    'container.active.jobs': ['up-down', '{job}', ['job.queue', 'job.type']],
    'job.enqueued': ['counter', '{job}', ['job.queue', 'job.type']],
    'job.launch.latency': ['histogram', 's', ['job.queue', 'job.type']],
    'job.phase.duration': ['histogram', 's', ['job.phase', 'job.queue', 'job.type']],
    'job.duration': ['histogram', 's', ['job.queue', 'job.status', 'job.type']],
    'job.processed': ['counter', '{job}', ['job.queue', 'job.status', 'job.type']],
    'job.failures': ['counter', '{job}', ['error.type', 'job.queue', 'job.type']],
    'job.retries': ['counter', '{job}', ['job.queue', 'job.type']],
    'job.stalls': ['counter', '{job}', ['job.queue', 'job.type']],
    'job.status_check.duration': ['histogram', 's', ['error.type', 'job.queue']],
    'job.status_check.jobs': ['counter', '{job}', ['job.queue']],
    'job.status_check.failures': ['counter', '{check}', ['error.type', 'job.queue']],
    'job.count': ['gauge', '{job}', ['job.queue', 'job.status']],
    'job.queue.depth': ['gauge', '{job}', ['job.queue']],
    'job.queue.oldest_age': ['gauge', 's', ['job.queue']],
    'job.state.age': ['gauge', 's', ['job.queue']],
    'job.concurrent': ['gauge', '{job}', ['job.queue']],
    'job.concurrent.peak': ['gauge', '{job}', ['job.queue']],
    'host.utilization': ['gauge', '1', ['host.resource', 'job.queue']],
  })
})

test('docs/reference/metrics.md has each with its kind, unit and labels, and no other', async () => {
  await aDay()
  const page = readFileSync(new URL('../../../docs/reference/metrics.md', import.meta.url), 'utf8')
  const part = page.slice(page.indexOf('\n## Jobs\n'))
  const rows = part
    .slice(0, part.indexOf('\n## ', 5))
    .matchAll(/^\| `([a-z_.]+)` \| ([^|]+) \| `([^`]+)` \| ([^|]+) \|/gm)
  const documented = [...rows].map(([, name, kind = '', unit, labels = '']) => {
    const named = [...labels.matchAll(/`((?:job|error|host)\.[a-z]+)`/g)].map(([, label]) => label)
    return [name, kind.split(',')[0]?.replace(' counter', ''), unit, ...named.sort()].join(' ')
  })
  const made = [...Map.groupBy(await seen.points(), ({ name }) => name)].map(([name, points]) => {
    const labels = new Set(points.flatMap(({ attributes }) => Object.keys(attributes)))
    return [name, points[0]?.kind, points[0]?.unit, ...[...labels].sort()].join(' ')
  })
  expect(documented.sort()).toEqual(made.sort())
})

test('they count what happened', async () => {
  await aDay()
  const one = async (name: string, attributes = {}) => {
    const points = await seen.of(name, attributes)
    expect(points, name).toHaveLength(1)
    return points[0]!
  }
  expect(await one('container.job.launches', ofJob)).toMatchObject({ value: 3 })
  for (const status of ['completed', 'failed', 'cancelled']) {
    const labels = { ...ofJob, 'job.status': status }
    expect(await one('job.processed', labels)).toMatchObject({ value: 1 })
    expect(await one('job.duration', labels)).toMatchObject({ count: 1 })
    expect(await one('container.job.duration', labels)).toMatchObject({ count: 1 })
  }
  const latency = await one('job.launch.latency', ofJob)
  expect(latency.count).toBe(1)
  expect(latency.value).toBeGreaterThanOrEqual(2)
  expect(latency.value).toBeLessThan(3)
  for (const phase of ['queued', 'pulling', 'creating', 'starting', 'running', 'collecting', 'removing'])
    expect(await one('job.phase.duration', { ...ofJob, 'job.phase': phase })).toMatchObject({ count: 1 })
  expect(await one('job.stalls')).toMatchObject({ value: 2 })
  expect(await one('job.count', { 'job.status': 'completed' })).toMatchObject({ value: 90 })
  expect(await one('job.queue.depth')).toMatchObject({ value: 7 })
  expect((await one('job.queue.oldest_age')).value).toBeCloseTo(30, 0)
  expect(await one('job.status_check.jobs')).toMatchObject({ value: 103 })
  expect(await one('job.status_check.failures')).toMatchObject({ attributes: { 'error.type': 'RangeError' } })
})

test('the buckets are as long as what they measure', async () => {
  await aDay()
  const bounds = async (name: string) => {
    const [point] = await seen.of(name)
    return [point?.bounds?.[0], point?.bounds?.at(-1)]
  }
  expect(await bounds('job.launch.latency')).toEqual([0.005, 600])
  expect(await bounds('job.phase.duration')).toEqual([0.005, 600])
  expect(await bounds('job.duration')).toEqual([0.01, 14_400])
  expect(await bounds('job.status_check.duration')).toEqual([0.001, 60])
})

test('the scope has the version of the package', () => {
  const { version, name } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  expect([SCOPE, VERSION]).toEqual([name, version])
})

test('no ID is a label', async () => {
  await jobs.run({ id: 'very-own-id', type: 'thumbnail', executionId: 'try-77' }, (execution) =>
    execution.set({ 'container.id': 'c0ffee' }),
  )
  const values = (await seen.points()).flatMap(({ attributes }) => Object.values(attributes)).join(' ')
  expect(values).not.toMatch(/very-own-id|try-77|c0ffee/)
})

test('a job runs from its first running phase, and is not active while it is launched', async () => {
  const active = async () => (await seen.of('container.active.jobs'))[0]?.value
  const concurrent = async () => (await seen.of('job.concurrent'))[0]?.value
  await jobs.run({ id: '1', type: 'thumbnail', enqueuedAt: new Date() }, async (execution) => {
    await execution.phase('creating', async () => {
      expect([await active(), await concurrent()]).toEqual([0, 1])
      expect(await seen.of('container.job.launches')).toEqual([])
    })
    await execution.phase('running', async () => {
      expect([await active(), await concurrent()]).toEqual([1, 1])
      expect(await seen.of('container.job.launches')).toMatchObject([{ value: 1 }])
    })
  })
  expect([await active(), await concurrent()]).toEqual([0, 0])
})

test('a job that dies while it is launched was never a launch', async () => {
  const launch = (execution: JobExecution) =>
    execution.phase('pulling', () => Promise.reject(Object.assign(new Error(), { name: 'ImageNotFound' })))
  await jobs.run({ id: '1', type: 'thumbnail', enqueuedAt: new Date() }, launch).catch(() => {})
  for (const name of ['container.job.launches', 'container.job.duration', 'job.launch.latency'])
    expect(await seen.of(name)).toEqual([])
  expect(await seen.of('job.failures', { 'error.type': 'ImageNotFound' })).toMatchObject([{ value: 1 }])
  expect(await seen.of('container.active.jobs')).toMatchObject([{ value: 0 }])
})

test('a job of which nobody knows when it was enqueued has no latency, rather than a wrong one', async () => {
  await jobs.run({ id: '1', type: 'thumbnail' }, () => {})
  expect(await seen.of('job.launch.latency')).toEqual([])
  expect(seen.sdk.operations[0]?.metadata).not.toHaveProperty('job.launch.latency_ms')
})

test('the peak of concurrent jobs is exact, whatever a reader sees in between', async () => {
  const open: (() => void)[] = []
  const hold = () => new Promise<void>((resolve) => open.push(resolve))
  const running: Promise<void>[] = []
  for (let i = 0; i < 37; i += 1) running.push(jobs.run({ id: i, type: 'thumbnail' }, hold))
  for (const release of open) release()
  await Promise.all(running)
  expect(await seen.of('job.concurrent')).toMatchObject([{ value: 0 }])
  expect(await seen.of('job.concurrent.peak')).toMatchObject([{ value: 37 }])
})

test('fifty types have a name, later ones are other, in metrics and rows', async () => {
  for (let i = 0; i < 60; i += 1) await jobs.run({ id: i, type: `type-${i}` }, () => {})
  await jobs.run({ id: 'x', type: 'type-3' }, () => {})
  const types = (await seen.of('job.processed')).map(({ attributes }) => attributes['job.type'])
  expect(types).toHaveLength(51)
  expect(await seen.of('job.processed', { 'job.type': 'other' })).toMatchObject([{ value: 10 }])
  expect(await seen.of('job.processed', { 'job.type': 'type-3' })).toMatchObject([{ value: 2 }])
  expect(new Set(seen.sdk.operations.map(({ operation }) => operation)).size).toBe(51)
})

test('a type may have dots: it is the whole name of its operation', async () => {
  await jobs.run({ id: '1', type: 'video.transcode.v2' }, () => {})
  expect(seen.sdk.operations[0]).toMatchObject({
    service: 'transcode',
    operation: 'video_transcode_v2',
    metadata: { 'job.type': 'video.transcode.v2' },
  })
})

test('errors of ever new names have twenty labels', async () => {
  for (let i = 0; i < 30; i += 1) {
    const error = Object.assign(new Error('no'), { name: `Error${i}` })
    await jobs.run({ id: i, type: 'thumbnail' }, () => Promise.reject(error)).catch(() => {})
  }
  expect(await seen.of('job.failures')).toHaveLength(21)
  expect(await seen.of('job.failures', { 'error.type': 'other' })).toMatchObject([{ value: 10 }])
})

test('a queue that is instrumented twice in a process is told of once; one after the other is none of it', async () => {
  const said: string[] = []
  const say = (line: string) => void said.push(line)
  const nothing = () => {}
  const logger = { error: say, warn: say, info: nothing, debug: nothing, verbose: nothing }
  diag.setLogger(logger, { suppressOverrideMessage: true })
  try {
    instrumentJobs({ queue: 'twice' }).close()
    const first = instrumentJobs({ queue: 'twice' })
    expect(said).toEqual([])
    const others = [instrumentJobs({ queue: 'twice' }), instrumentJobs({ queue: 'twice' })]
    expect(said).toEqual([expect.stringContaining('queue twice is instrumented a second time')])
    for (const one of [first, ...others]) one.close()
  } finally {
    diag.disable()
  }
})

test('a meter provider that comes late is told the present, and counts from then on', async () => {
  const job = jobs.begin({ id: '1', type: 'thumbnail' })
  metrics.disable()
  await jobs.run({ id: '2', type: 'thumbnail' }, () => {})
  await seen.close()
  seen = observe()
  await jobs.run({ id: '3', type: 'thumbnail' }, () => {})
  expect(await seen.of('job.processed')).toMatchObject([{ value: 1 }])
  expect(await seen.of('container.active.jobs')).toMatchObject([{ value: 1 }])
  job.complete()
  await new Promise((resolve) => setImmediate(resolve))
  expect(await seen.of('job.processed')).toMatchObject([{ value: 2 }])
  expect(await seen.of('container.active.jobs')).toMatchObject([{ value: 0 }])
})
