import { AsyncLocalStorage } from 'node:async_hooks'
import { type Context, type ContextManager, context, ROOT_CONTEXT } from '@opentelemetry/api'
import { correlation } from '@throughline/core'
import { expect, test } from 'vitest'
import { until } from '../../sdk/testing/until.js'
import { observe } from '../testing/observe.js'
import { instrumentJobs } from './index.js'

test('without an SDK jobs run, with nothing handed on and nobody asked', async () => {
  let asked = 0
  const jobs = instrumentJobs({
    queue: 'transcode',
    capacity: 1,
    state() {
      asked += 1
      return { counts: {}, depth: 0 }
    },
  })
  expect(jobs.enqueued({ id: '1', type: 'thumbnail' })).toEqual({ enqueued_at: expect.stringMatching(/Z$/) })
  const result = await jobs.run({ id: '1', type: 'thumbnail' }, async (execution) => {
    execution.started()
    execution.set({ a: 1 })
    expect(execution.env()).toEqual({})
    expect(execution.labels()).toEqual({
      'throughline.job.id': '1',
      'throughline.job.type': 'thumbnail',
      'throughline.job.queue': 'transcode',
    })
    return execution.within(() => execution.phase('running', async () => 7))
  })
  expect(result).toBe(7)
  const error = new Error('no')
  await expect(jobs.run({ id: '2', type: 'thumbnail' }, () => Promise.reject(error))).rejects.toBe(error)
  expect(await jobs.statusCheck(() => 5)).toBe(5)
  await jobs.check()
  expect(asked).toBe(0)
  jobs.begin({ id: '3', type: 'thumbnail' }).fail(error)
  jobs.close()
})

test('with nothing but a context manager the lines that a job logs say whose they are', async () => {
  const storage = new AsyncLocalStorage<Context>()
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (inside, fn, thisArg, ...args) => storage.run(inside, () => fn.apply(thisArg, args)),
    bind: (_, target) => target,
    enable: () => manager,
    disable: () => manager,
  }
  context.setGlobalContextManager(manager)
  const jobs = instrumentJobs({ queue: 'logged' })
  try {
    const carrier = correlation.run('order-9', () => jobs.enqueued({ id: '1', type: 'thumbnail' }))
    expect(carrier).toMatchObject({ 'x-correlation-id': 'order-9' })
    const fields = await jobs.run({ id: '1', type: 'thumbnail', carrier }, async () => correlation.fields())
    expect(fields).toMatchObject({ correlation_id: 'order-9', 'job.id': '1' })
  } finally {
    jobs.close()
    context.disable()
  }
})

test('none of its timers keeps a process alive', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length
  const before = timers()
  const seen = observe()
  const jobs = instrumentJobs({ queue: 'q', capacity: 1, state: () => new Promise(() => {}), timeoutMs: 200 })
  const checking = jobs.check()
  await jobs.run({ id: '1', type: 'thumbnail' }, () => expect(timers()).toBe(before))
  await until('the end of the check', () =>
    seen.sdk.operations.some(({ operation }) => operation === 'status_check'),
  )
  await checking
  jobs.close()
  await seen.close()
})

test.each([
  [{ queue: '' }, 'queue'],
  [{ queue: 'q', capacity: 0 }, 'capacity'],
  [{ queue: 'q', intervalMs: 5 }, 'intervalMs'],
  [{ queue: 'q', timeoutMs: Number.NaN }, 'timeoutMs'],
  [{ queue: 'q', maxTypes: 1.5 }, 'maxTypes'],
  [{ queue: 'q', trace: 'child' as 'link' }, 'trace'],
])('the mistake in %j is said at once', (options, name) => {
  expect(() => instrumentJobs(options)).toThrow(
    expect.objectContaining({ code: 'TL_JOBS_OPTION', message: expect.stringContaining(`option ${name} `) }),
  )
})
