import { expect, test } from 'vitest'
import { rollingDice } from '../../faults/dice.js'

const throws = (seed: string) => {
  const dice = rollingDice(seed)
  return Array.from({ length: 50 }, () => dice.whole(1, 1_000))
}

test('a seed replays a run, another one is another run', () => {
  expect(throws('7')).toEqual(throws('7'))
  expect(throws('7')).not.toEqual(throws('8'))
})

test('what one row throws does not move the throws of another', () => {
  const one = rollingDice('7')
  const before = one.fork('kill-service').whole(0, 1_000_000)
  for (let n = 0; n < 10; n += 1) one.fork('storm').next()
  expect(one.fork('kill-service').whole(0, 1_000_000)).toBe(before)
})

test('each kind of a fault comes once before one comes twice', () => {
  const draw = rollingDice('7').bag(['a', 'b', 'c', 'd'])
  for (let round = 0; round < 5; round += 1)
    expect(Array.from({ length: 4 }, draw).sort()).toEqual(['a', 'b', 'c', 'd'])
})

test('all numbers of a range come, both ends among them', () => {
  const dice = rollingDice('7')
  const seen = new Set(Array.from({ length: 500 }, () => dice.whole(3, 6)))
  expect([...seen].sort()).toEqual([3, 4, 5, 6])
})
