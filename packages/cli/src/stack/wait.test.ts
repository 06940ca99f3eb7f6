import { expect, it } from 'vitest'
import { until } from './wait.js'

it('gives what the check gave once it is there', async () => {
  const answers = [undefined, 0, [], 'never asked']
  expect(await until(() => answers.shift(), { what: 'an answer', everyMs: 1 })).toEqual([])
})

it('a check that throws is "not yet"', async () => {
  let calls = 0
  const check = () => {
    if (++calls < 3) throw new Error('connection refused')
    return calls
  }
  expect(await until(check, { what: 'a connection', everyMs: 1 })).toBe(3)
})

it('after the deadline says what it waited for and what it last saw', async () => {
  const waiting = until(
    () => Promise.reject(new TypeError('fetch failed', { cause: new Error('ECONNREFUSED') })),
    {
      what: 'the row of order-4711',
      deadlineMs: 20,
      everyMs: 5,
    },
  )
  await expect(waiting).rejects.toMatchObject({
    code: 'TL_WAIT_TIMEOUT',
    message: 'Waited 0.0 s for the row of order-4711. Last answer: fetch failed: ECONNREFUSED',
  })
})

it('ends at once when its signal does', async () => {
  const stop = new AbortController()
  const waiting = until(() => false, { what: 'nothing', signal: stop.signal, everyMs: 60_000 })
  stop.abort()
  await expect(waiting).rejects.toThrow()
})
