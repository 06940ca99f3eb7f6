import { expect, test } from 'vitest'
import { tail } from './log.js'

/** One frame of the engine's answer: 1 is standard output, 2 standard error. */
function frame(stream: 1 | 2, text: string): Buffer {
  const bytes = Buffer.from(text)
  const header = Buffer.alloc(8)
  header[0] = stream
  header.writeUInt32BE(bytes.length, 4)
  return Buffer.concat([header, bytes])
}

test('a log is what both streams wrote, in their order', () => {
  expect(tail(Buffer.concat([frame(1, 'one\n'), frame(2, 'two\n'), frame(1, '')]), 100)).toBe('one\ntwo\n')
  expect(tail(Buffer.alloc(0), 100)).toBe('')
})

test('of a long log the end is kept', () => {
  expect(tail(Buffer.concat([frame(1, 'x'.repeat(100)), frame(2, 'the end')]), 7)).toBe('the end')
  expect(tail(frame(1, 'anything'), 0)).toBe('')
})

test('a log that was cut within a character or a frame, or holds NUL, is text that a database takes', () => {
  expect(tail(frame(1, '€'), 2)).toMatch(/^\uFFFD+$/)
  expect(tail(frame(1, 'a\0b'), 100)).toBe('a\uFFFDb')
  expect(tail(frame(1, 'whole').subarray(0, 10), 100)).toBe('wh')
  expect(tail(frame(1, 'whole').subarray(0, 5), 100)).toBe('')
})
