import { expect, test } from 'vitest'
import { failed, type Hop, type HopName, type Outcome, ok, type Result, skipped } from './hop.js'
import { runHops } from './run-hops.js'

const hop = (name: HopName, run: Hop['run'], more: Partial<Hop> = {}): Hop => ({
  name,
  title: name,
  group: 'all',
  deadlineMs: 5_000,
  run,
  ...more,
})
const says = (outcome: Outcome) => () => outcome
const states = (results: readonly Result[]) => results.map(({ name, state }) => `${name} ${state}`)

test('what needs a hop that failed is not reached, and what comes after it runs', async () => {
  const results = await runHops(
    [
      hop('address', says(failed('nobody', 'start it'))),
      hop('collector', says(ok('never asked')), { needs: ['address'] }),
      hop('queues', says(ok('never asked')), { needs: ['collector'] }),
      hop('recorder', (_signal, before) => ok(before('address')?.found ?? ''), { after: ['address'] }),
    ],
    () => {},
  )
  expect(states(results)).toEqual([
    'address failed',
    'collector not reached',
    'queues not reached',
    'recorder ok',
  ])
  expect(results.map(({ found }) => found)).toEqual(['nobody', 'needs address', 'needs collector', 'nobody'])
})

test('what needs a hop that was left out is left out for the same reason, or runs if that is in no list', async () => {
  const results = await runHops(
    [
      hop('jaeger', says(skipped('nobody says where'))),
      hop('trace', says(ok('never asked')), { needs: ['jaeger'] }),
      hop('api', says(ok('alone')), { needs: ['sdk'] }),
    ],
    () => {},
  )
  expect(states(results)).toEqual(['jaeger skipped', 'trace skipped', 'api ok'])
  expect(results[1]!.found).toBe('nobody says where')
})

test('a hop that hangs ends at its deadline, one that throws has failed, and the others go on', async () => {
  const ended: boolean[] = []
  const results = await runHops(
    [
      hop(
        'address',
        (signal) =>
          new Promise(() => {
            signal.addEventListener('abort', () => ended.push(true))
          }),
        { deadlineMs: 20 },
      ),
      hop('recorder', () => {
        throw new Error('broken')
      }),
      hop('jaeger', says(ok('fine'))),
    ],
    () => {},
  )
  expect(results.map(({ state, found }) => [state, found])).toEqual([
    ['failed', 'no answer within 0.0 s'],
    ['failed', 'broken'],
    ['ok', 'fine'],
  ])
  expect(ended).toEqual([true])
})

test('results come in the order of the hops, each once it and all above it are known', async () => {
  const first = Promise.withResolvers<Outcome>()
  const shown: string[] = []
  const running = runHops(
    [
      hop('address', () => first.promise),
      hop('recorder', () => {
        setImmediate(() => first.resolve(ok('late')))
        return ok('early')
      }),
    ],
    ({ name }) => shown.push(name),
  )
  await running
  expect(shown).toEqual(['address', 'recorder'])
})
