import { randomUUID } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Scratch, scratch } from '../../testing/child.js'
import { createNotices, type Notices } from '../notices.js'
import { openSpool, type Spool } from './spool.js'

let room: Scratch
let dir: string
let notices: Notices
let lines: string[]
beforeEach(() => {
  room = scratch()
  dir = join(room.dir, 'spool')
  lines = []
  notices = createNotices((line) => lines.push(line))
})
afterEach(() => room.remove())

const MIB = 2 ** 20
const count = (reason: string) => notices.counts().get(reason as never) ?? 0

function open(
  options: { in?: string; maxBytes?: number; durability?: 'memory'; instance?: string } = {},
): Promise<Spool> {
  return openSpool({
    dir: options.in ?? dir,
    instance: options.instance ?? randomUUID(),
    resource: Buffer.from('resource'),
    maxBytes: options.maxBytes ?? 2 ** 31,
    durability: options.durability ?? 'process',
    notices,
  })
}

let seq = 0
function put(spool: Spool, payload: Uint8Array): void {
  seq += 1
  spool.append(payload, seq)
}

/** Reads and acknowledges everything. */
function drain(spool: Spool): string[] {
  const all: string[] = []
  for (let segment = spool.readable(); segment !== undefined; segment = spool.readable()) {
    const batch = segment.next(MIB)
    if (batch !== undefined) {
      all.push(...batch.payloads.map((one) => Buffer.from(one).toString()))
      segment.acknowledge(batch.end)
    }
    spool.tidy()
  }
  return all
}

test('a record is in the file when append returns', async () => {
  const instance = randomUUID()
  const spool = await open({ instance })
  put(spool, Buffer.from('the record'))
  expect(readFileSync(join(dir, instance, '00000001.seg')).includes('the record')).toBe(true)
  await spool.close()
})

test('a spool that is sent leaves an empty folder; one that is not is taken over by the next instance', async () => {
  const first = await open()
  for (let i = 0; i < 3; i += 1) put(first, Buffer.from(`r${i}`))
  await first.close()
  expect(readdirSync(dir)).toHaveLength(1)
  const second = await open()
  expect(await second.adopt()).toBe(1)
  put(second, Buffer.from('own'))
  await second.close()
  const third = await open()
  expect(await third.adopt()).toBe(2)
  expect(drain(third).sort()).toEqual(['own', 'r0', 'r1', 'r2'])
  expect(third.empty).toBe(true)
  await third.close()
  expect(readdirSync(dir)).toEqual([])
})

test('the folder of an adopted instance goes with its last segment', async () => {
  const dead = randomUUID()
  const first = await open({ instance: dead })
  put(first, Buffer.from('r'))
  await first.close()
  const own = randomUUID()
  const second = await open({ instance: own })
  await second.adopt()
  expect(existsSync(join(dir, own, dead))).toBe(true)
  drain(second)
  expect(readdirSync(join(dir, own)).sort()).toEqual(['owner.json', 'owner.sock'])
  await second.close()
})

test('a living owner is not robbed', async () => {
  const living = await open()
  put(living, Buffer.from('mine'))
  const other = await open()
  expect(await other.adopt()).toBe(0)
  expect(drain(living)).toEqual(['mine'])
  await Promise.all([living.close(), other.close()])
})

test('of two that adopt at once each segment has one winner', async () => {
  for (let i = 0; i < 5; i += 1) {
    const dead = await open()
    put(dead, Buffer.from(`r${i}`))
    await dead.close()
  }
  const both = await Promise.all([open(), open()])
  const taken = await Promise.all(both.map((one) => one.adopt()))
  expect(taken[0]! + taken[1]!).toBe(5)
  expect(both.flatMap(drain).sort()).toEqual(['r0', 'r1', 'r2', 'r3', 'r4'])
  await Promise.all(both.map((one) => one.close()))
})

test('a folder too deep for a socket address works', async () => {
  const deep = join(room.dir, ...Array.from({ length: 8 }, () => 'a-folder-with-a-long-name'))
  const first = await open({ in: deep })
  const second = await open({ in: deep })
  put(first, Buffer.from('mine'))
  expect(await second.adopt()).toBe(0)
  await first.close()
  expect(await second.adopt()).toBe(1)
  expect(drain(second)).toEqual(['mine'])
  await second.close()
  expect(readdirSync(deep)).toEqual([])
})

test('at the cap the newest is refused and counted; once some is sent there is room again', async () => {
  const spool = await open({ maxBytes: MIB })
  const record = Buffer.alloc(10_000, 'x')
  for (let i = 0; i < 200; i += 1) put(spool, record)
  const refused = count('record_refused')
  expect(refused).toBeGreaterThan(90)
  expect(refused).toBeLessThan(110)
  expect(lines.filter((line) => line.includes('cap of 1048576 bytes'))).toHaveLength(1)
  expect(drain(spool)).toHaveLength(200 - refused)
  for (let i = 0; i < 50; i += 1) put(spool, record)
  expect(count('record_refused')).toBe(refused)
  expect(drain(spool)).toHaveLength(50)
  await spool.close()
})

test('where no folder can be made records are kept in memory, and it is said', async () => {
  writeFileSync(join(room.dir, 'file'), '')
  const spool = await open({ in: join(room.dir, 'file') })
  expect(count('spool_write_failed')).toBe(1)
  expect(lines[0]).toMatch(/records are kept in memory only/)
  put(spool, Buffer.from('r'))
  expect(drain(spool)).toEqual(['r'])
  put(spool, Buffer.from('never sent'))
  await spool.close()
  expect(lines.at(-1)).toMatch(/record_refused: 26 bytes of records in memory were not sent/)
})

test.skipIf(process.getuid?.() !== 0)('a folder that belongs to another user is not filled', async () => {
  mkdirSync(dir)
  chownSync(dir, 12_345, 12_345)
  const spool = await open()
  expect(lines[0]).toMatch(/belongs to user 12345/)
  expect(readdirSync(dir)).toEqual([])
  await spool.close()
})

test('memory holds 8 MiB that are not sent; what is sent makes room, however much it was in all', async () => {
  const spool = await open({ durability: 'memory' })
  const record = Buffer.alloc(MIB)
  put(spool, record)
  // Never empty, so nothing but what is acknowledged makes room.
  for (let i = 0; i < 20; i += 1) {
    put(spool, record)
    const segment = spool.readable()
    segment?.acknowledge(segment.next(MIB)?.end ?? 0)
  }
  expect(count('record_refused')).toBe(0)
  drain(spool)
  for (let i = 0; i < 9; i += 1) put(spool, record)
  expect(spool.pendingBytes()).toBe(7 * (MIB + 16))
  drain(spool)
  await spool.close()
})

test('a record of more than 4 MiB is refused, and those after it are not lost with it', async () => {
  const spool = await open()
  put(spool, Buffer.from('before'))
  put(spool, Buffer.alloc(4 * MIB + 1))
  put(spool, Buffer.from('after'))
  expect(drain(spool)).toEqual(['before', 'after'])
  expect(count('record_refused')).toBe(1)
  await spool.close()
})

test('segments are sealed, sent and given back', async () => {
  const instance = randomUUID()
  const spool = await open({ instance, maxBytes: 4 * MIB })
  for (let i = 0; i < 30; i += 1) put(spool, Buffer.alloc(100_000, `${i % 10}`))
  expect(readdirSync(join(dir, instance)).filter((name) => name.endsWith('.seg')).length).toBeGreaterThan(2)
  expect(drain(spool)).toHaveLength(30)
  expect(readdirSync(join(dir, instance)).filter((name) => name.endsWith('.seg'))).toHaveLength(1)
  await spool.close()
})

test('an operation that ends after the shutdown is refused and counted; nothing is written', async () => {
  const spool = await open()
  put(spool, Buffer.from('a'))
  await spool.close()
  put(spool, Buffer.from('late'))
  expect(count('record_refused')).toBe(1)
  expect(count('spool_write_failed')).toBe(0)
})

test('files that were removed behind its back end nothing', async () => {
  const spool = await open()
  put(spool, Buffer.from('a'))
  rmSync(dir, { recursive: true })
  put(spool, Buffer.from('b'))
  expect(drain(spool)).toEqual(['a', 'b'])
  await expect(spool.close()).resolves.toBeUndefined()
})

test('the quarantine is bounded too', async () => {
  const spool = await open({ maxBytes: MIB })
  put(spool, Buffer.from('refused'))
  const from = spool.readable()
  for (let i = 0; i < 20; i += 1) spool.quarantine(from!, Buffer.alloc(100_000), i)
  expect(count('record_quarantined')).toBe(20)
  expect(count('record_refused')).toBe(10)
  await spool.close()
})

test('a mark is reached when everything before it is acknowledged, whatever came after', async () => {
  const spool = await open()
  expect(spool.mark()()).toBe(true)
  put(spool, Buffer.from('before'))
  const reached = spool.mark()
  const segment = spool.readable()
  const batch = segment?.next(MIB)
  put(spool, Buffer.from('after'))
  expect(reached()).toBe(false)
  segment?.acknowledge(batch?.end ?? 0)
  expect(reached()).toBe(true)
  expect(spool.empty).toBe(false)
  await spool.close()
})

test('what is adopted while the spool closes is not lost with its folder', async () => {
  for (let i = 0; i < 3; i += 1) {
    const dead = await open()
    put(dead, Buffer.from(`r${i}`))
    await dead.close()
  }
  const closing = await open()
  const adopted = closing.adopt()
  await Promise.all([adopted, closing.close()])
  const next = await open()
  await next.adopt()
  expect(drain(next).sort()).toEqual(['r0', 'r1', 'r2'])
  await next.close()
})
