import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../../sdk/testing/until.js'
import { type Observed, observe } from '../testing/observe.js'
import { instrumentJobs } from './index.js'
import type { JobState, Jobs } from './types.js'

let seen: Observed
let jobs: Jobs | undefined
beforeEach(() => {
  seen = observe()
})
afterEach(async () => {
  jobs?.close()
  await seen.close()
})

const rows = () => seen.sdk.operations
const answer: JobState = { counts: { pending: 2, running: 1, failed: 0 }, depth: 2, jobs: 3 }

test('a status check is one row that holds the present of queue, slots and host', async () => {
  jobs = instrumentJobs({
    queue: 'transcode',
    capacity: 4,
    state: async () => ({ ...answer, oldestEnqueuedAt: new Date(Date.now() - 5_000).toISOString() }),
  })
  const job = jobs.begin({ id: '1', type: 'thumbnail' })
  await jobs.check()
  expect(rows()).toHaveLength(1)
  const { metadata, ...row } = rows()[0]!
  expect(row).toMatchObject({ name: 'transcode.status_check', outcome: 'success', parentSpanId: undefined })
  expect(metadata).toEqual({
    'job.queue': 'transcode',
    'job.capacity': 4,
    'job.running_here': 1,
    'job.concurrent.peak': 1,
    'job.status_check.jobs': 3,
    'host.name': expect.any(String),
    host: { cpu: expect.any(Number), memory: expect.any(Number), disk: expect.any(Number), slots: 0.25 },
    'job.state': { pending: 2, running: 1, failed: 0, depth: 2, oldest_age_s: expect.closeTo(5, 0) },
  })
  for (const share of Object.values(metadata.host as object)) {
    expect(share).toBeGreaterThanOrEqual(0)
    expect(share).toBeLessThanOrEqual(1)
  }
  job.complete()
})

test('each row has the peak since the one before', async () => {
  jobs = instrumentJobs({ queue: 'transcode', capacity: 4, state: () => answer })
  const some = [1, 2, 3].map((id) => jobs!.begin({ id, type: 'thumbnail' }))
  for (const job of some) job.complete()
  await jobs.check()
  await jobs.check()
  const job = jobs.begin({ id: 4, type: 'thumbnail' })
  await jobs.check()
  job.complete()
  await jobs.check()
  const checks = rows().filter(({ operation }) => operation === 'status_check')
  expect(checks.map(({ metadata }) => metadata['job.concurrent.peak'])).toEqual([3, 0, 1, 1])
})

test('it is asked at each interval, first soon, and no more after close', async () => {
  let asked = 0
  jobs = instrumentJobs({
    queue: 'transcode',
    intervalMs: 100,
    state() {
      asked += 1
      return answer
    },
  })
  await until('three checks', () => asked >= 3)
  expect(await seen.of('job.queue.depth')).toMatchObject([{ value: answer.depth }])
  jobs.close()
  await seen.sdk.settled()
  const after = asked
  await pause(250)
  expect(asked).toBe(after)
  // Neither the last answer for good nor NaN, which would spoil the sums over all processes.
  expect(await seen.of('job.queue.depth')).toEqual([])
})

test('without state and slots there is nothing to check', async () => {
  jobs = instrumentJobs({ queue: 'transcode', intervalMs: 100 })
  await pause(250)
  expect(rows()).toEqual([])
})

test('without state the row tells of slots and host', async () => {
  jobs = instrumentJobs({ queue: 'transcode', capacity: 2, host: false })
  await jobs.check()
  expect(rows()[0]?.metadata).toMatchObject({ 'job.capacity': 2, host: { slots: 0 } })
  expect(rows()[0]?.metadata).not.toHaveProperty('job.state')
})

test.each([
  [
    'throws',
    () => {
      throw new TypeError('no database')
    },
    'TypeError',
  ],
  ['rejects', () => Promise.reject(new RangeError('no database')), 'RangeError'],
  ['answers nothing', () => undefined, 'StateInvalid'],
  ['answers text', () => 'fine', 'StateInvalid'],
  [
    'answers figures that are none',
    () => ({ counts: { pending: 'x', running: -1 }, depth: Number.NaN }),
    'StateInvalid',
  ],
  [
    'answers a getter that throws',
    () => ({
      get counts() {
        throw new TypeError('no')
      },
    }),
    'TypeError',
  ],
])(
  'a state that %s costs the figures of this check, is counted, and no job notices',
  async (_, state, type) => {
    jobs = instrumentJobs({ queue: 'transcode', capacity: 1, state: state as unknown as () => JobState })
    const [result] = await Promise.all([
      jobs.run({ id: '1', type: 'thumbnail' }, async () => 'done'),
      jobs.check(),
    ])
    expect(result).toBe('done')
    const row = rows().find(({ operation }) => operation === 'status_check')
    expect(row).toMatchObject({ outcome: 'failure', error: { type }, metadata: { 'job.capacity': 1 } })
    expect(row?.metadata).not.toHaveProperty('job.state')
    expect(await seen.of('job.status_check.failures', { 'error.type': type })).toMatchObject([{ value: 1 }])
    expect(await seen.of('job.queue.depth')).toEqual([])
  },
)

test('a state with some figures is those', async () => {
  const partly = { counts: { pending: 1n, running: 2, other: 5 }, depth: -3, oldestEnqueuedAt: 'never' }
  jobs = instrumentJobs({ queue: 'transcode', host: false, state: () => partly as unknown as JobState })
  await jobs.check()
  expect(rows()[0]?.metadata['job.state']).toEqual({ pending: 1, running: 2 })
})

test('a state that hangs is given up in time, not asked twice at once, and asked again in the end', async () => {
  let asked = 0
  let atOnce = 0
  let most = 0
  let hang = true
  const never = Promise.withResolvers<JobState>()
  jobs = instrumentJobs({
    queue: 'transcode',
    intervalMs: 60_000,
    timeoutMs: 40,
    async state() {
      asked += 1
      atOnce += 1
      most = Math.max(most, atOnce)
      try {
        return hang ? await never.promise : answer
      } finally {
        atOnce -= 1
      }
    },
  })
  await jobs.check()
  await jobs.check()
  expect([asked, most]).toEqual([1, 1])
  expect(rows().map(({ error }) => error?.type)).toEqual(['StatusCheckTimeout', 'StatusCheckTimeout'])
  hang = false
  never.resolve(answer)
  await jobs.check()
  expect(rows()[2]).toMatchObject({ outcome: 'success' })

  hang = true
  const lost = jobs
  await lost.check()
  await pause(450)
  hang = false
  await lost.check()
  expect(rows().at(-1)).toMatchObject({ outcome: 'success' })
})

test('checks that are asked for at once are one', async () => {
  let asked = 0
  jobs = instrumentJobs({
    queue: 'transcode',
    async state() {
      asked += 1
      return answer
    },
  })
  await Promise.all([jobs.check(), jobs.check(), jobs.check()])
  expect(asked).toBe(1)
  expect(rows()).toHaveLength(1)
})

test('a batch check of one’s own is measured by its time and its jobs, and answers what it answers', async () => {
  jobs = instrumentJobs({ queue: 'transcode', capacity: 2 })
  const states = ['running', 'exited', 'exited']
  expect(await jobs.statusCheck(async () => states)).toBe(states)
  expect(await jobs.statusCheck(() => new Map([['a', 1]]))).toHaveProperty('size', 1)
  await jobs.statusCheck(() => 'a page', 50)
  await jobs.statusCheck(
    () => ({ rows: 7 }),
    ({ rows: count }) => count,
  )
  const error = new Error('engine away')
  await expect(jobs.statusCheck(() => Promise.reject(error))).rejects.toBe(error)
  expect(rows().map(({ metadata }) => metadata['job.status_check.jobs'])).toEqual([3, 1, 50, 7, undefined])
  expect(await seen.of('job.status_check.jobs')).toMatchObject([{ value: 61 }])
  const checks = await seen.of('job.status_check.duration')
  expect(checks.reduce((sum, { count = 0 }) => sum + count, 0)).toBe(5)
})

test('a batch check that answers a state is the present from then on', async () => {
  jobs = instrumentJobs({ queue: 'transcode' })
  await jobs.statusCheck(async () => answer)
  expect(rows()[0]?.metadata['job.state']).toMatchObject({ pending: 2, depth: 2 })
  expect(await seen.of('job.count', { 'job.status': 'pending' })).toMatchObject([{ value: 2 }])
})

test('figures of a queue that no longer answers are not shown as the present', async () => {
  let away = false
  jobs = instrumentJobs({
    queue: 'transcode',
    intervalMs: 100,
    state() {
      if (away) throw new Error('away')
      return answer
    },
  })
  await until('a depth', async () => (await seen.of('job.queue.depth')).length === 1)
  away = true
  await until('no depth', async () => (await seen.of('job.queue.depth')).length === 0)
  expect(await seen.of('job.count')).toEqual([])
  const age = async () => (await seen.of('job.state.age', { 'job.queue': 'transcode' }))[0]?.value ?? 0
  expect(await age()).toBeGreaterThan(0.3)
  away = false
  await until('a depth again', async () => (await seen.of('job.queue.depth'))[0]?.value === 2)
  expect(await age()).toBeLessThan(0.3)
})

test('after close jobs are counted until the last has ended', async () => {
  const active = async () => (await seen.of('container.active.jobs')).map(({ value }) => value)
  jobs = instrumentJobs({ queue: 'transcode', capacity: 2 })
  const job = jobs.begin({ id: '1', type: 'thumbnail' })
  jobs.close()
  expect(await active()).toEqual([1])
  job.complete()
  expect(await active()).toEqual([0])
})
