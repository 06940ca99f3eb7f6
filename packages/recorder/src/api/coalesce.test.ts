import { expect, test } from 'vitest'
import { useRecorder } from '../../test/running-recorder.js'
import { createCoalesce } from './coalesce.js'

const recorder = useRecorder()
const options = { ttlMs: 1_000, maxRunning: 2, maxKept: 3 }

test('equal questions at once are one, and for a second after', async () => {
  const ask = createCoalesce(options)
  let runs = 0
  const work = async () => {
    runs += 1
    return runs
  }
  expect(await Promise.all([ask('a', work), ask('a', work), ask('a', work)])).toEqual([1, 1, 1])
  expect(await ask('a', work)).toBe(1)
  expect(await ask('b', work)).toBe(2)
  const short = createCoalesce({ ...options, ttlMs: 0 })
  expect([await short('a', work), await short('a', work)]).toEqual([3, 4])
})

test('a fault is told to all who asked, and not kept', async () => {
  const ask = createCoalesce(options)
  const fails = () => Promise.reject(new Error('no'))
  const both = await Promise.allSettled([ask('a', fails), ask('a', fails)])
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(await ask('a', async () => 'well')).toBe('well')
})

test('more different questions than may run are refused at once', async () => {
  const ask = createCoalesce(options)
  const never = new Promise<void>(() => {})
  void ask('a', () => never)
  void ask('b', () => never)
  expect(() => ask('c', async () => 1)).toThrow(
    expect.objectContaining({ code: 'TL_RECORDER_BUSY', status: 503 }),
  )
  expect(ask.running()).toBe(2)
})

test('a query that takes longer than it may is cancelled, and the answer says so', async () => {
  const { url } = await recorder.another({ queryTimeoutMs: 200 })
  const unlock = await recorder.lockTable()
  try {
    const answer = await fetch(`${url}/v1/operations`)
    expect(answer.status).toBe(504)
    expect(await answer.json()).toMatchObject({
      code: 'TL_QUERY_TIMEOUT',
      detail: expect.stringContaining('200 ms'),
    })
  } finally {
    await unlock()
  }
  expect((await fetch(`${url}/v1/operations`)).status).toBe(200)
})

test('fifty readers of one page are one query, and never more than four connections', async () => {
  const { url } = await recorder.another({})
  const unlock = await recorder.lockTable()
  const equal = Array.from({ length: 50 }, () => fetch(`${url}/v1/operations`))
  const others = Array.from({ length: 20 }, (_, n) => fetch(`${url}/v1/operations?user=${n}`))
  await expect.poll(recorder.waiting).toBe(4)
  const { rows } = await recorder.client.query(
    `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'throughline reads' AND state = 'active'`,
  )
  expect(rows[0].n).toBe(4)
  await unlock()
  const statuses = (await Promise.all([...equal, ...others])).map(({ status }) => status)
  expect(new Set(statuses)).toEqual(new Set([200]))
})
