import { readdirSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { built, type Child, runLines, type Scratch, scratch } from '../../testing/child.js'
import { until } from '../../testing/until.js'
import { createNotices } from '../notices.js'
import { openSpool, type Spool } from './spool.js'

let room: Scratch
let child: Child
let spool: Spool
beforeEach(async () => {
  room = scratch()
  child = runLines(`
    import { openSpool } from '${built('sdk/dist/esm/spool/spool.js')}'
    const notices = { note() {}, counts: () => new Map() }
    const spool = await openSpool({ dir: ${JSON.stringify(room.dir)}, instance: '00000000-0000-4000-8000-000000000001',
      resource: Buffer.from('r'), maxBytes: 2 ** 31, durability: 'process', notices })
    spool.append(Buffer.from('of the child'), 1)
    console.log('ready')
    setInterval(() => {}, 1_000)
  `)
  await child.printed('ready')
  spool = await openSpool({
    dir: room.dir,
    instance: '00000000-0000-4000-8000-000000000002',
    resource: Buffer.from('r'),
    maxBytes: 2 ** 31,
    durability: 'process',
    notices: createNotices(() => {}),
  })
})
afterEach(async () => {
  child.process.kill('SIGKILL')
  await child.ended
  await spool.close()
  room.remove()
})

test('a living owner keeps its records, also while it is stopped; a killed one loses them to the next', async () => {
  expect(await spool.adopt()).toBe(0)
  process.kill(child.pid, 'SIGSTOP')
  // More often than the queue of a socket nobody accepts from is long.
  for (let i = 0; i < 600; i += 1) expect(await spool.adopt()).toBe(0)
  process.kill(child.pid, 'SIGKILL')
  await child.ended
  await until('adopted', async () => (await spool.adopt()) === 1)
  const payloads = spool.readable()?.next(1_024)?.payloads ?? []
  expect(payloads.map((one) => Buffer.from(one).toString())).toEqual(['of the child'])
  expect(readdirSync(room.dir)).toEqual(['00000000-0000-4000-8000-000000000002'])
})
