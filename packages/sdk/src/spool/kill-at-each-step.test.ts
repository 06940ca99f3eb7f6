import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { built, runNode, type Scratch, scratch } from '../../testing/child.js'
import { POINTS } from '../../testing/failpoints.mjs'
import { createNotices } from '../notices.js'
import { openSpool } from './spool.js'

/*
 * A process is killed at each step that the spool takes on the disk. Whatever it was: each record whose `append` had returned was received
 * before, or is received from the next instance, and none is received that was never appended.
 */

const failpoints = fileURLToPath(new URL('../../testing/failpoints.mjs', import.meta.url))
const RECORDS = 120

let room: Scratch
let spoolDir: string
beforeEach(() => {
  room = scratch()
  spoolDir = join(room.dir, 'spool')
})
afterEach(() => room.remove())

/** Adopts, then appends and receives in turn; says in files what was appended and what received. */
const program = (name: string) => `
  import { openSync, writeSync } from 'node:fs'
  import { openSpool } from '${built('sdk/dist/esm/spool/spool.js')}'
  const journal = (kind) => openSync(${JSON.stringify(room.dir)} + '/' + kind, 'a')
  const [appended, received] = [journal('appended'), journal('received')]
  const spool = await openSpool({
    dir: ${JSON.stringify(spoolDir)}, instance: ${JSON.stringify(randomUUID())}, resource: Buffer.from('r'),
    maxBytes: 2 ** 31, durability: 'host', limits: { segmentBytes: 2_000, failedRestMs: 2 },
    notices: { note: (...said) => console.error(...said), counts: () => new Map() },
  })
  await spool.adopt()
  for (let i = 1; i <= ${RECORDS}; i += 1) {
    const id = '${name}-' + i
    spool.append(Buffer.from(id.padEnd(40)), i)
    writeSync(appended, id + '\\n')
    if (i % 5 !== 0) continue
    await new Promise((resolve) => setTimeout(resolve, 3))
    const segment = spool.readable()
    const batch = segment?.next(200)
    if (batch === undefined) continue
    for (const one of batch.payloads) writeSync(received, Buffer.from(one).toString().trim() + '\\n')
    try { segment.acknowledge(batch.end) } catch (error) { console.error(String(error)) }
    spool.tidy()
  }
  await spool.adopt()
  await spool.close()
`

async function run(name: string, failpoint: string) {
  const child = runNode(['--import', failpoints, '--input-type=module', '--eval', program(name)], {
    THROUGHLINE_FAILPOINT: failpoint,
  })
  return { ...(await child.ended), stderr: child.stderr() }
}

function journal(kind: 'appended' | 'received'): string[] {
  const path = join(room.dir, kind)
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []
}

/** What the next instance brings out. */
async function rest(): Promise<string[]> {
  const spool = await openSpool({
    dir: spoolDir,
    instance: randomUUID(),
    resource: Buffer.from('r'),
    maxBytes: 2 ** 31,
    durability: 'process',
    notices: createNotices(() => {}),
  })
  await spool.adopt()
  const found: string[] = []
  for (let segment = spool.readable(); segment !== undefined; segment = spool.readable()) {
    const batch = segment.next(2 ** 20)
    found.push(...(batch?.payloads ?? []).map((one) => Buffer.from(one).toString().trim()))
    if (batch !== undefined) segment.acknowledge(batch.end)
    spool.tidy()
  }
  await spool.close()
  return found
}

async function nothingLost(): Promise<void> {
  const appended = journal('appended')
  const arrived = new Set([...journal('received'), ...(await rest())])
  expect(appended.filter((id) => !arrived.has(id))).toEqual([])
  // One record may have been written whose append did not return.
  expect(arrived.size - appended.length).toBeLessThanOrEqual(2)
}

const own = POINTS.filter((point) => !/^(adopt|copy)\./.test(point))
const adopting = POINTS.filter((point) => point.startsWith('adopt.'))

describe('a process that is killed while it writes', () => {
  test.each(own)('at %s loses nothing', async (point) => {
    const { signal, stderr } = await run('a', `${point}@${/^(claim|leave)/.test(point) ? 1 : 2}=kill`)
    expect(signal, stderr).toBe('SIGKILL')
    await nothingLost()
  })
})

describe('a process that is killed while it adopts', () => {
  test.each(adopting)('at %s loses nothing of the one before', async (point) => {
    await run('a', 'append.after@57=kill')
    const { signal, stderr } = await run('b', `${point}@1=kill`)
    expect(signal, stderr).toBe('SIGKILL')
    await nothingLost()
  })

  test('three times in a row loses nothing of any of them', async () => {
    await run('a', 'append.torn@57=kill')
    await run('b', 'adopt.opened@2=kill')
    await run('c', 'append.torn@33=kill')
    expect(journal('appended').filter((id) => id.startsWith('c'))).toHaveLength(32)
    await nothingLost()
  })
})

describe('a disk that fails while a process writes', () => {
  test.each(['ENOSPC', 'EIO', 'EROFS', 'EACCES'])(
    'with %s at each step, now and then, loses nothing',
    async (code) => {
      const faults = [
        'append.before@20..25',
        'segment.create@3',
        'segment.begun@5',
        'acknowledge.before@2..4',
        'sync.before@3..6',
      ]
      const { code: exit, stderr } = await run('a', faults.map((one) => `${one}=${code}`).join(';'))
      expect(exit, stderr).toBe(0)
      expect(stderr).toContain(code)
      await nothingLost()
    },
  )

  test('a disk that takes half a record, then none until the end: what only memory held is lost, and said', async () => {
    const { code, stderr } = await run('a', 'append.torn@40=ENOSPC;segment.create@3..=ENOSPC')
    expect(code, stderr).toBe(0)
    expect(stderr).toMatch(/only \d+ of \d+ bytes written/)
    const appended = journal('appended')
    const arrived = new Set([...journal('received'), ...(await rest())])
    // What is in memory at the end of a process whose disk takes nothing is lost, and said.
    const lost = appended.filter((id) => !arrived.has(id))
    expect(stderr).toMatch(/record_refused .* were not sent before the end/)
    expect(lost.every((id) => Number(id.slice(2)) >= 40)).toBe(true)
  })
})
