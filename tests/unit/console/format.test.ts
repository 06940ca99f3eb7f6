import { expect, test } from 'vitest'
import * as format from '../../../packages/recorder/console/format.js'

test.each([
  [0, '0 ms'],
  [0.0004, '0.4 µs'],
  [0.74, '740 µs'],
  [5.678, '5.68 ms'],
  [56.78, '56.8 ms'],
  [156.7, '157 ms'],
  [2_310, '2.31 s'],
  [192_000, '3 min 12 s'],
  [18_120_000, '5 h 02 min'],
  [400_000_000, '4.6 days'],
])('%d ms read %s', (ms, text) => expect(format.duration(ms)).toBe(text))

test('a share is never rounded to all or to none', () => {
  expect(format.percent(1)).toBe('100 %')
  expect(format.percent(0.999999)).toBe('99.99 %')
  expect(format.percent(0.0000001)).toBe('0.01 %')
  expect(format.percent(0)).toBe('0 %')
  expect(format.percent(null)).toBe('–')
})

test('a change says its sign, and a large one how many times', () => {
  expect(format.change(0.123)).toBe('+12 %')
  expect(format.change(-0.0421)).toBe('−4.2 %')
  expect(format.change(0)).toBe('±0.0 %')
  expect(format.change(46)).toBe('47-fold')
  expect(format.points(-0.004)).toBe('−0.4 points')
})

test('no digit of an exact decimal is lost or added', () => {
  expect(format.decimal('12345678901234567890.120')).toBe('12,345,678,901,234,567,890.120')
  expect(format.decimal('-40510.00')).toBe('−40,510.00')
  expect(format.decimal('2027-03-14')).toBe('2027-03-14')
  expect(format.figure('189.8', 'h')).toBe('189.8 h')
  expect(format.figure('2847', '1')).toBe('2,847')
  expect(format.figure(null, 'USD')).toBe('–')
})

test('microseconds of a time are kept', () => {
  const one = format.msOf('2026-11-22T04:00:00.123456Z')
  expect(one - Date.parse('2026-11-22T04:00:00.123Z')).toBeCloseTo(0.456, 2)
  expect(format.msOf('2026-11-22T04:00:00Z')).toBe(Date.parse('2026-11-22T04:00:00Z'))
})

test('figures have names that people say', () => {
  expect(format.title('ratio.conflict_elimination')).toBe('Conflict elimination')
  expect(format.title('planned_net_roi_percent')).toBe('Planned net ROI')
  expect(format.title('allocation.hours_saved')).toBe('Allocation: hours saved')
})
