import { randomUUID } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { built, runProgram, type Scratch, scratch } from '../../testing/child.js'
import { setFailpoints, timesReached } from '../../testing/failpoints.mjs'
import { until } from '../../testing/until.js'
import { createNotices, type Notices } from '../notices.js'
import { openSpool, type Spool, type SpoolOptions } from './spool.js'
import { volatileSpool } from './volatile.js'

let room: Scratch
let dir: string
let notices: Notices
let lines: string[]
let seq: number
beforeEach(() => {
  room = scratch()
  dir = join(room.dir, 'spool')
  lines = []
  seq = 0
  notices = createNotices((line) => lines.push(line))
})
afterEach(() => {
  setFailpoints('')
  room.remove()
})

const count = (reason: string) => notices.counts().get(reason as never) ?? 0
const MIB = 2 ** 20

function open(options: Partial<SpoolOptions> = {}): Promise<Spool> {
  return openSpool({
    dir,
    instance: randomUUID(),
    resource: Buffer.from('resource'),
    maxBytes: 2 ** 31,
    durability: 'process',
    notices,
    ...options,
    limits: { failedRestMs: 20, slowRestMs: 20, ...options.limits },
  })
}

function put(spool: Spool, text: string | Buffer): void {
  seq += 1
  spool.append(Buffer.from(text), seq)
}

function drain(spool: Spool): string[] {
  const all: string[] = []
  for (let segment = spool.readable(); segment !== undefined; segment = spool.readable()) {
    const batch = segment.next(MIB)
    all.push(...(batch?.payloads ?? []).map((one) => Buffer.from(one).toString()))
    if (batch !== undefined) segment.acknowledge(batch.end)
    spool.tidy()
  }
  return all
}

async function adoptedByNext(): Promise<string[]> {
  const next = await open()
  await next.adopt()
  const found = drain(next)
  await next.close()
  return found
}

describe('a disk that takes nothing', () => {
  test.each(['ENOSPC', 'EIO', 'EROFS'])(
    '(%s): records go to memory, and from there to the disk as soon as it takes them',
    async (code) => {
      const spool = await open()
      put(spool, 'before')
      setFailpoints(`append.before@1..=${code}`)
      put(spool, 'during')
      put(spool, 'during, too')
      expect(spool.memoryBytes()).toBeGreaterThan(0)
      expect(lines.join()).toMatch(new RegExp(`spool_write_failed.*${code}`))
      setFailpoints('')
      await until('written', () => spool.memoryBytes() === 0)
      put(spool, 'after')
      // As after a kill: nothing is closed in order.
      expect(readdirSync(dir)).toHaveLength(1)
      await spool.close()
      expect((await adoptedByNext()).sort()).toEqual(['after', 'before', 'during', 'during, too'])
    },
  )

  test('while a request with records from memory is under way: its answer counts, whatever they have become', async () => {
    const spool = await open()
    setFailpoints('segment.create@1=ENOSPC')
    for (const text of ['a', 'b', 'c']) put(spool, text)
    const segment = spool.readable()
    const batch = segment?.next(2)
    const reached = spool.mark()
    await until('written', () => spool.memoryBytes() === 0)
    put(spool, 'd')
    segment?.acknowledge(batch!.end)
    expect(reached()).toBe(false)
    expect(drain(spool)).toEqual(['c', 'd'])
    expect(reached()).toBe(true)
    await spool.close()
  })

  test('at the end of the process is tried once more', async () => {
    const spool = await open({ limits: { failedRestMs: 60_000 } })
    setFailpoints('segment.create@1=EIO')
    put(spool, 'in memory')
    spool.leave()
    await spool.close()
    expect(count('record_refused')).toBe(0)
    expect(await adoptedByNext()).toEqual(['in memory'])
  })

  test('to read from: the segments behind it are not held up', async () => {
    const spool = await open({ maxBytes: MIB })
    for (let i = 0; i < 5; i += 1) put(spool, Buffer.alloc(100_000, `${i}`))
    const first = spool.readable()
    spool.setAside(first!)
    expect(spool.readable()).not.toBe(first)
    expect(spool.readable()).toBeDefined()
    await spool.close()
  })
})

describe('a slow disk', () => {
  test('holds up two callers, and then none: memory for a while, and back to the disk', async () => {
    const spool = await open({ limits: { slowWriteMs: 20, slowRestMs: 50 } })
    put(spool, 'first')
    setFailpoints('append.before@1..=slow:30')
    for (let i = 0; i < 10; i += 1) put(spool, `slow ${i}`)
    expect(timesReached('append.before')).toBe(2)
    expect(count('spool_slow')).toBe(1)
    setFailpoints('')
    await until('written', () => spool.memoryBytes() === 0)
    expect(drain(spool)).toHaveLength(11)
    await spool.close()
  })

  test('once is no reason', async () => {
    const spool = await open({ limits: { slowWriteMs: 20 } })
    setFailpoints('append.before@2=slow:30;append.before@4=slow:30')
    for (let i = 0; i < 6; i += 1) put(spool, `${i}`)
    expect(count('spool_slow')).toBe(0)
    expect(spool.memoryBytes()).toBe(0)
    await spool.close()
  })
})

describe('at the cap', () => {
  test(`with drops 'oldest' the oldest are given up, counted one by one and said`, async () => {
    const spool = await open({ maxBytes: MIB, drops: 'oldest' })
    const texts = Array.from({ length: 200 }, (_, i) => `${i} `.padEnd(10_000))
    for (const text of texts) put(spool, text)
    const kept = drain(spool)
    expect(count('record_refused')).toBe(0)
    expect(kept.length + count('record_dropped')).toBe(200)
    expect(kept).toEqual(texts.slice(-kept.length))
    expect(
      lines.filter((line) => /record_dropped: .*cap of 1048576 bytes: the oldest/.test(line)),
    ).toHaveLength(1)
    await spool.close()
  })

  test('a request with records that were given up meanwhile harms nothing', async () => {
    const spool = await open({ maxBytes: MIB, drops: 'oldest' })
    for (let i = 0; i < 50; i += 1) put(spool, Buffer.alloc(10_000))
    const segment = spool.readable()
    const batch = segment?.next(20_000)
    for (let i = 0; i < 200; i += 1) put(spool, Buffer.alloc(10_000))
    expect(segment?.closed).toBe(true)
    segment?.acknowledge(batch!.end)
    expect(segment?.next(20_000)).toBeUndefined()
    expect(drain(spool).length).toBeGreaterThan(50)
    await spool.close()
  })
})

describe(`durability 'host'`, () => {
  test('brings what was appended to the disk, many records with one call', async () => {
    setFailpoints('')
    const spool = await open({ durability: 'host' })
    for (let i = 0; i < 500; i += 1) put(spool, `${i}`)
    await until('synced', () => timesReached('sync.before') >= 2)
    await spool.close()
    expect(timesReached('sync.before')).toBeLessThan(10)
  })

  test('a sync that fails is said and counted', async () => {
    setFailpoints('sync.before@1=EIO')
    const spool = await open({ durability: 'host' })
    put(spool, 'a')
    await until('said', () => lines.some((line) => /spool_write_failed: fdatasync: EIO/.test(line)))
    await spool.close()
  })

  test('of sealed segments too', async () => {
    const spool = await open({ durability: 'host', maxBytes: MIB })
    for (let i = 0; i < 8; i += 1) put(spool, Buffer.alloc(100_000))
    await spool.close()
    expect(timesReached('sync.before')).toBeGreaterThanOrEqual(2)
  })
})

/** A user without rights, on a folder of root; root itself may write everywhere. */
test.skipIf(process.getuid?.() !== 0)(
  'a folder that may not be written: memory, said; and once it may be, the disk',
  async () => {
    chmodSync(room.dir, 0o755)
    mkdirSync(dir, { mode: 0o755 })
    const child = runProgram(process.execPath, [
      '--input-type=module',
      '--eval',
      `
    const { openSpool } = await import('${built('sdk/dist/esm/spool/spool.js')}')
    // After the import: the checkout may lie where this user cannot reach it.
    process.setgroups([])
    process.setgid(65534)
    process.setuid(65534)
    const spool = await openSpool({ dir: ${JSON.stringify(join(dir, 'below'))}, instance: crypto.randomUUID(), resource: Buffer.from('r'),
      maxBytes: 2 ** 31, durability: 'process', limits: { failedRestMs: 0 },
      notices: { note: (...said) => console.log(said.join(' ')), counts: () => new Map() } })
    spool.append(Buffer.from('a'), 1)
    console.log('in memory ' + spool.memoryBytes())
    while (spool.memoryBytes() > 0) { await spool.adopt(); await new Promise((resolve) => setTimeout(resolve, 20)) }
    console.log('on disk')
    await spool.close()`,
    ])
    await child.printed('in memory 17')
    expect(child.stdout()).toMatch(/spool_write_failed .*EACCES/)
    chmodSync(dir, 0o777)
    await child.printed('on disk')
    expect(await child.ended).toEqual({ code: 0, signal: null })
    expect(readdirSync(join(dir, 'below'))).toHaveLength(1)
  },
)

test.skipIf(process.getuid?.() !== 0 || process.platform !== 'linux')(
  'a disk that is full for real: every record comes out, and once there is room the disk is used again',
  async () => {
    mkdirSync(dir)
    // In a mount namespace of its own, which ends with the process.
    const code = `
      const { openSpool } = await import('${built('sdk/dist/esm/spool/spool.js')}')
      const spool = await openSpool({ dir: ${JSON.stringify(dir)}, instance: crypto.randomUUID(), resource: Buffer.from('r'),
        maxBytes: 2 ** 31, durability: 'process', limits: { failedRestMs: 20, segmentBytes: 100_000 },
        notices: { note: (...said) => console.log(said.join(' ')), counts: () => new Map() } })
      for (let i = 1; i <= 2_000; i += 1) spool.append(Buffer.alloc(1_000, 'x'), i)
      const seqs = new Set()
      while (!spool.empty) {
        const batch = spool.readable().next(50_000)
        for (const seq of batch.seqs) seqs.add(seq)
        spool.readable().acknowledge(batch.end)
        spool.tidy()
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
      console.log('came out: ' + seqs.size)
      spool.append(Buffer.from('a'), 2_001)
      console.log('in memory: ' + spool.memoryBytes())
      await spool.close()`
    const child = runProgram('unshare', [
      '--mount',
      'sh',
      '-c',
      'mount -t tmpfs -o size=512k tmpfs "$0" && exec "$@"',
      dir,
      process.execPath,
      '--input-type=module',
      '--eval',
      code,
    ])
    await child.ended
    expect(child.stdout(), child.stderr()).toMatch(/spool_write_failed .*(ENOSPC|bytes written)/)
    expect(child.stdout()).toContain('came out: 2000\nin memory: 0\n')
    expect(child.stdout()).not.toContain('record_refused')
  },
)

describe('the place of a spool', () => {
  test.skipIf(process.platform !== 'linux')(
    'that ends with the machine is said where the host was to survive',
    () => {
      expect(volatileSpool('/dev/shm', 'host')).toMatch(/^\/dev\/shm lies on tmpfs, which /)
      expect(volatileSpool(process.cwd(), 'host') ?? '').not.toMatch(/does not survive the machine/)
    },
  )
})

test('quarantined records keep the instance and resource that they had, and a second process goes on with the file', async () => {
  const dead = randomUUID()
  const first = await open({ instance: dead, resource: Buffer.from('of the dead') })
  put(first, 'a')
  put(first, 'b')
  await first.close()
  for (const _ of [1, 2]) {
    const next = await open()
    await next.adopt()
    const segment = next.readable()
    const batch = segment?.next(1)
    expect(segment?.instance).toBe(dead)
    next.quarantine(segment!, batch!.payloads[0]!, batch!.seqs[0]!)
    segment?.acknowledge(batch!.end)
    await next.close()
  }
  const { inspectSpool } = await import('./inspect.js')
  expect(await inspectSpool(dir).catch(() => [])).toMatchObject([
    { kind: 'quarantine', instance: dead, records: 2, ranges: [[1n, 2n]] },
  ])
})

test('a file that a person laid into the folder is left alone', async () => {
  mkdirSync(join(dir, 'notes'), { recursive: true })
  writeFileSync(join(dir, 'notes.txt'), 'mine')
  const spool = await open()
  expect(await spool.adopt()).toBe(0)
  await spool.close()
  expect(readdirSync(dir).sort()).toEqual(['notes', 'notes.txt'])
  rmSync(dir, { recursive: true })
})
