import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Scratch, scratch } from '../../testing/child.js'
import { FRAME_HEADER_BYTES, frame, readFrames } from './frame.js'
import { memorySegment } from './memory-segment.js'
import { createSegment, openSegment, type Segment } from './segment.js'

let room: Scratch
let path: string
let damaged: number[]
beforeEach(() => {
  room = scratch()
  path = join(room.dir, '00000001.seg')
  damaged = []
})
afterEach(() => room.remove())

const instance = '00000000-0000-4000-8000-00000000000a'
const resource = Buffer.from('resource')
const text = (payload: Uint8Array) => Buffer.from(payload).toString()
function open(): Segment {
  const segment = openSegment(path, (bytes) => damaged.push(bytes))
  if (typeof segment === 'string') throw new Error(segment)
  return segment
}
let seq = 0
function next(): number {
  seq += 1
  return seq
}

function write(...records: string[]): number {
  const segment = createSegment(path, instance, resource)
  for (const record of records) segment.append(Buffer.from(record), next())
  segment.close()
  return statSync(path).size
}

function drain(segment: Segment, maxBytes = 2 ** 20): string[] {
  const all: string[] = []
  for (let batch = segment.next(maxBytes); batch !== undefined; batch = segment.next(maxBytes)) {
    all.push(...batch.payloads.map(text))
    segment.acknowledge(batch.end)
  }
  return all
}

function copyOfFrame(payload: Uint8Array, number: number): Buffer {
  return Buffer.from(frame(payload, number).subarray(0, FRAME_HEADER_BYTES + payload.byteLength))
}

test('frames come back as they went in, whatever the bytes and the size of a read', () => {
  const payload = fc.uint8Array({ minLength: 1, maxLength: 300 })
  fc.assert(
    fc.property(
      fc.array(payload, { maxLength: 20 }),
      fc.integer({ min: 1, max: 2_000 }),
      fc.integer({ min: 1, max: 2 ** 40 }),
      (payloads, maxBytes, first) => {
        let rest = Buffer.concat(payloads.map((one, i) => Buffer.from(copyOfFrame(one, first + i))))
        const back: Uint8Array[] = []
        const numbers: number[] = []
        while (rest.byteLength > 0) {
          const read = readFrames(rest, maxBytes)
          expect(read.torn).toBe(false)
          expect(read.payloads.length).toBeGreaterThan(0)
          back.push(...read.payloads)
          numbers.push(...read.seqs)
          rest = rest.subarray(read.bytes)
        }
        expect(back.map(text)).toEqual(payloads.map(text))
        expect(numbers).toEqual(payloads.map((_, i) => first + i))
      },
    ),
  )
})

test('the file is readable by its owner alone', () => {
  write('a')
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('a tail that is cut at any byte costs the record it cuts and none before it', () => {
  const whole = write('first', 'second', 'third')
  const bytes = readFileSync(path)
  for (let cut = 1; cut <= FRAME_HEADER_BYTES + 'third'.length; cut += 1) {
    writeFileSync(path, bytes)
    truncateSync(path, whole - cut)
    const segment = open()
    expect(drain(segment)).toEqual(['first', 'second'])
    expect(segment.done).toBe(true)
    segment.close()
  }
  expect(damaged).toEqual([])
})

test('a flipped bit costs what follows it, and is said', () => {
  write('first', 'second', 'third')
  const bytes = readFileSync(path)
  bytes[bytes.indexOf('second') + 1]! ^= 4
  writeFileSync(path, bytes)
  const segment = open()
  expect(drain(segment)).toEqual(['first'])
  expect(segment.done).toBe(true)
  expect(damaged).toEqual([2 * FRAME_HEADER_BYTES + 'second'.length + 'third'.length])
})

test('a length beyond all measure is damage, and nothing is allocated for it', () => {
  const size = write('first')
  const bytes = readFileSync(path)
  bytes.writeUInt32LE(0xffffffff, size - 'first'.length - FRAME_HEADER_BYTES)
  writeFileSync(path, bytes)
  expect(drain(open())).toEqual([])
  expect(damaged).toHaveLength(1)
})

test('what is acknowledged does not come again after a restart', () => {
  write('first', 'second', 'third')
  const before = open()
  const batch = before.next(1)
  expect(batch?.payloads.map(text)).toEqual(['first'])
  before.acknowledge(batch?.end ?? 0)
  before.close()
  const after = open()
  expect(after.instance).toBe(instance)
  expect(Buffer.from(after.resource).toString()).toBe('resource')
  expect(drain(after)).toEqual(['second', 'third'])
})

test('an acknowledged position that is nonsense sends everything again', () => {
  write('first', 'second')
  const bytes = readFileSync(path)
  bytes.writeBigUInt64LE(3n, 8)
  writeFileSync(path, bytes)
  expect(drain(open())).toEqual(['first', 'second'])
})

test.each([0, 3, 15, 40])('a file of %i bytes, cut in its header, is no segment', (size) => {
  write('first')
  truncateSync(path, size)
  expect(openSegment(path, () => {})).toBe('cut')
})

test('a record larger than one read is still read, whole', () => {
  const large = 'x'.repeat(3 * 2 ** 20)
  write('small', large, 'after')
  expect(drain(open(), 1_024)).toEqual(['small', large, 'after'])
})

test('reading and appending take turns', () => {
  for (const segment of [createSegment(path, instance, resource), memorySegment(instance, resource)]) {
    for (let i = 0; i < 50; i += 1) {
      segment.append(Buffer.from(`a${i}`), next())
      segment.append(Buffer.from(`b${i}`), next())
      expect(drain(segment)).toEqual([`a${i}`, `b${i}`])
      expect(segment.done).toBe(true)
      expect(segment.acknowledged).toBe(segment.end)
    }
  }
})

test('a file that somebody removed meanwhile can still be given back', () => {
  const segment = createSegment(path, instance, resource)
  segment.append(Buffer.from('a'), next())
  room.remove()
  expect(drain(segment)).toEqual(['a'])
  expect(() => segment.remove()).not.toThrow()
})
