import { expect, test } from 'vitest'
import { millisToNano, steadyMs, unixNano } from './clock.js'

test('an old reading of the steady clock is as far in the past as it is old', () => {
  const now = steadyMs()
  const minuteAgo = unixNano(now - 60_000)
  const current = unixNano(now)
  expect(current - minuteAgo).toBe(60_000_000_000n)
  expect(Math.abs(Number(current / 1_000_000n) - Date.now())).toBeLessThan(1_000)
})

test('whole milliseconds keep every digit, fractions are rounded to nanoseconds', () => {
  expect(millisToNano(1_795_306_708_648)).toBe(1_795_306_708_648_000_000n)
  expect(millisToNano(0.0005)).toBe(500n)
})
