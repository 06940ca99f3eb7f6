import { expect, test, vi } from 'vitest'
import { isCorrelationId, newCorrelationId } from './id.js'

const UUID_7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

test('new IDs are UUIDs of version 7, all different, in the order of their milliseconds', () => {
  const before = Date.now()
  const ids = Array.from({ length: 1_000 }, newCorrelationId)
  const after = Date.now()
  expect(new Set(ids).size).toBe(ids.length)
  const times = ids.map((id) => {
    expect(isCorrelationId(id)).toBe(true)
    expect(id).toMatch(UUID_7)
    return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
  })
  expect(times).toEqual(times.toSorted((a, b) => a - b))
  expect(times[0]).toBeGreaterThanOrEqual(before)
  expect(times.at(-1)).toBeLessThanOrEqual(after)
})

test.each([0, 1, 2 ** 32 - 1, 2 ** 32, Date.UTC(2026, 10, 22), 2 ** 48 - 1])(
  'the time of an ID made at %d',
  (millis) => {
    vi.useFakeTimers({ now: millis, toFake: ['Date'] })
    try {
      const [, high = '', low = ''] = UUID_7.exec(newCorrelationId()) ?? []
      expect(Number.parseInt(high + low, 16)).toBe(millis)
    } finally {
      vi.useRealTimers()
    }
  },
)

test('every random bit takes both values', () => {
  const digits = Array.from({ length: 500 }, () => newCorrelationId().replaceAll('-', '').slice(13))
  for (let at = 0; at < digits[0]!.length; at += 1) {
    const values = digits.map((text) => Number.parseInt(text[at]!, 16))
    // The two upper bits of the first digit after the third are the variant.
    const free = at === 3 ? 0b0011 : 0b1111
    expect(values.reduce((bits, value) => bits | value) & free).toBe(free)
    expect(values.reduce((bits, value) => bits & value) & free).toBe(0)
  }
})
