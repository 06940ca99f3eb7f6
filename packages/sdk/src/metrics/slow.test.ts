import { expect, test } from 'vitest'
import { isSlow, type KeepSlow, slowLimit } from './slow.js'

/** Numbers that look random and are the same in every run. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state + 0.5) / 2 ** 32
  }
}

function kept(durations: number[], keepSlow: KeepSlow = 'p99'): boolean[] {
  const limit = slowLimit()
  return durations.map((ms) => isSlow(limit, ms, keepSlow))
}

const shareOf = (flags: boolean[]) => flags.filter(Boolean).length / flags.length
const make = (count: number, of: (random: number, i: number) => number) => {
  const random = generator(42)
  return Array.from({ length: count }, (_, i) => of(random(), i))
}

test.each<[string, (random: number, i: number) => number]>([
  ['evenly spread', (random) => random * 100],
  ['exponential', (random) => -Math.log(random) * 20],
  ['heavy-tailed', (random) => 1 / random ** 1.5],
  ['all the same', () => 5],
  ['two kinds, a cache hit and a miss', (random) => (random < 0.9 ? 0.05 : 120)],
  ['zero, on a clock that stands still', () => 0],
])('about one call in a hundred is slow when durations are %s', (_, of) => {
  const share = shareOf(kept(make(50_000, of)))
  expect(share).toBeLessThan(0.013)
  if (of(0.5, 0) > 0) expect(share).toBeGreaterThan(0.007)
})

test('a call that is far beyond the others is slow', () => {
  const flags = kept(make(2_000, (random, i) => (i === 1_500 ? 900 : 5 + random)))
  expect(flags[1_500]).toBe(true)
})

test('a cold first call does not raise the limit for the others', () => {
  const flags = kept(make(200, (random, i) => (i === 0 ? 5_000 : i === 150 ? 60 : 2 + random)))
  expect(flags[150]).toBe(true)
})

test('a service that becomes ten times slower keeps a few dozen calls, not all of them', () => {
  const flags = kept(make(20_000, (random, i) => (i < 10_000 ? 10 : 100) * (1 + random)))
  const after = flags.slice(10_000, 11_000).filter(Boolean).length
  expect(after).toBeGreaterThan(20)
  expect(after).toBeLessThan(10 + Math.log(10) / 0.05 + 10)
})

test('nothing is slow among the first hundred calls', () => {
  expect(kept(make(100, (random) => random * 1_000)).some(Boolean)).toBe(false)
})

test('a number is a limit in ms, false is none', () => {
  expect(kept([99, 100, 101], 100)).toEqual([false, false, true])
  expect(kept([0, 60_000], false)).toEqual([false, false])
})
