import { correlation } from '@throughline/core'
import { correlatedConsole } from '@throughline/core/logs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { enableContexts } from '../../testing/recording-runtime.js'

let disable: () => void
beforeEach(() => {
  disable = enableContexts()
})
afterEach(() => disable())

function lineOf(fields: Record<string, string>, ...values: unknown[]): unknown[] {
  let written: unknown[] = []
  const log = (...line: unknown[]) => {
    written = line
  }
  const target = { ...console, log }
  correlation.run({ id: 'order-1', fields }, () => correlatedConsole(target).log(...values))
  return written
}

test('a line begins with the fields and the ID', () => {
  expect(lineOf({ 'job.id': 'a:1/b.c' }, 'took %d ms', 5)).toEqual([
    'job.id=a:1/b.c correlation_id=order-1 took %d ms',
    5,
  ])
})

test.each([
  ['1 correlation_id=forged', '"1 correlation_id=forged"'],
  ['50%s', '"50_s"'],
  ['a"b', '"a\\"b"'],
  ['', '""'],
])('a field that reads %j looks like no other and formats nothing', (value, shown) => {
  expect(lineOf({ 'job.id': value }, 'took %d ms', 5)[0]).toBe(
    `job.id=${shown} correlation_id=order-1 took %d ms`,
  )
})
