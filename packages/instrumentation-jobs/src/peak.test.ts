import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Peak } from './peak.js'

test('a peak is shown for the minute it was in and the next, to any number of readers', () => {
  let now = 60_000
  const peak = new Peak(() => now)
  for (let i = 0; i < 5; i += 1) peak.change(1)
  for (let i = 0; i < 4; i += 1) peak.change(-1)
  now = 119_999
  expect([peak.recent(), peak.recent(), peak.current]).toEqual([5, 5, 1])
  now = 179_999
  expect(peak.recent()).toBe(5)
  now = 180_000
  expect(peak.recent()).toBe(1)
  peak.change(-1)
  expect(peak.recent()).toBe(1)
  now = 500_000
  expect(peak.recent()).toBe(0)
})

test('taking begins anew at what is there', () => {
  const peak = new Peak()
  peak.change(1)
  peak.change(1)
  peak.change(-1)
  expect([peak.take(), peak.take()]).toEqual([2, 1])
  peak.change(-1)
  expect([peak.take(), peak.take()]).toEqual([1, 0])
})

test('whatever comes and goes between two looks, the peak is that of the whole course', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('up', 'down', 'look')), (course) => {
      const peak = new Peak()
      let current = 0
      let highest = 0
      for (const step of course) {
        if (step === 'look') {
          expect(peak.take()).toBe(highest)
          highest = current
        } else if (step === 'up' || current > 0) {
          current += step === 'up' ? 1 : -1
          peak.change(step === 'up' ? 1 : -1)
          highest = Math.max(highest, current)
        }
      }
      expect(peak.take()).toBe(highest)
    }),
  )
})
