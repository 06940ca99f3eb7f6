import { randomUUID } from 'node:crypto'
import { existsSync, readdirSync, rmSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { built, type Child, runLines, runProgram, type Scratch, scratch } from '../../testing/child.js'
import { until } from '../../testing/until.js'
import { createNotices, type Notices } from '../notices.js'
import { type OwnerFile, readOwnerFile, writeOwnerFile } from './owner.js'
import { openSpool, type Spool } from './spool.js'

let room: Scratch
let notices: Notices
let children: Child[]
let open: Spool[]
beforeEach(() => {
  room = scratch()
  notices = createNotices(() => {})
  children = []
  open = []
})
afterEach(async () => {
  for (const child of children) child.process.kill('SIGKILL')
  await Promise.all(children.map((one) => one.ended))
  await Promise.all(open.map((one) => one.close()))
  room.remove()
})

const OWNER = '00000000-0000-4000-8000-000000000001'
const folder = (instance = OWNER) => join(room.dir, instance)

/** Opens a spool, appends one record, and says so. `rest` runs after it. */
const owner = (rest: string, instance = OWNER) => `
  const { openSpool } = await import('${built('sdk/dist/esm/spool/spool.js')}')
  const spool = await openSpool({ dir: ${JSON.stringify(room.dir)}, instance: '${instance}', resource: Buffer.from('r'),
    maxBytes: 2 ** 31, durability: 'process', notices: { note() {}, counts: () => new Map() } })
  spool.append(Buffer.from('of the owner'), 1)
  console.log('ready')
  ${rest}
`

async function begin(child: Child): Promise<Child> {
  children.push(child)
  await child.printed('ready')
  return child
}

async function successor(limits: { foreignMs?: number; absentMs?: number } = {}): Promise<Spool> {
  const spool = await openSpool({
    dir: room.dir,
    instance: randomUUID(),
    resource: Buffer.from('r'),
    maxBytes: 2 ** 31,
    durability: 'process',
    notices,
    limits,
  })
  open.push(spool)
  return spool
}

function drain(spool: Spool): string[] {
  const all: string[] = []
  for (let segment = spool.readable(); segment !== undefined; segment = spool.readable()) {
    const batch = segment.next(2 ** 20)
    all.push(...(batch?.payloads ?? []).map((one) => Buffer.from(one).toString()))
    if (batch !== undefined) segment.acknowledge(batch.end)
    spool.tidy()
  }
  return all
}

/** Lets the owner be silent for a quarter of an hour. */
function age(instance = OWNER): void {
  const before = new Date(Date.now() - 15 * 60_000)
  for (const name of readdirSync(folder(instance)))
    if (!name.endsWith('.sock')) utimesSync(join(folder(instance), name), before, before)
}

const elsewhere: OwnerFile = { name: 'another-host', boot: randomUUID(), socket: true, closed: false }

describe('a living owner is not robbed', () => {
  test('while its event loop is blocked', async () => {
    await begin(runLines(owner('while (true) {}')))
    age()
    const spool = await successor()
    for (let i = 0; i < 20; i += 1) expect(await spool.adopt()).toBe(0)
  })

  test('while it is stopped, and neither when nothing of it was heard for long', async () => {
    const child = await begin(runLines(owner('setInterval(() => {}, 1_000)')))
    process.kill(child.pid, 'SIGSTOP')
    age()
    const spool = await successor()
    expect(await spool.adopt()).toBe(0)
    process.kill(child.pid, 'SIGKILL')
    await child.ended
    await until('adopted', async () => (await spool.adopt()) === 1)
    expect(drain(spool)).toEqual(['of the owner'])
  })

  test.skipIf(process.getuid?.() !== 0 || process.platform !== 'linux')(
    'of another container, where it is process 1 as well',
    async () => {
      // Each in a PID namespace of its own, as containers on one volume are.
      const inContainer = (instance: string) => {
        const code = `console.log('pid ' + process.pid); ${owner('setInterval(() => {}, 1_000)', instance)}`
        const node = [process.execPath, '--input-type=module', '--eval', code]
        return runProgram('unshare', ['--pid', '--fork', '--kill-child', ...node])
      }
      const first = await begin(inContainer(OWNER))
      const second = await begin(inContainer(randomUUID()))
      expect(first.stdout()).toContain('pid 1\n')
      expect(second.stdout()).toContain('pid 1\n')
      const spool = await successor()
      expect(await spool.adopt()).toBe(0)
    },
  )

  test('in a worker thread, until that thread ends', async () => {
    await begin(
      runLines(`
        import { Worker } from 'node:worker_threads'
        const worker = new Worker(${JSON.stringify(owner('setInterval(() => {}, 1_000)'))}, { eval: true })
        process.on('SIGUSR2', () => worker.terminate().then(() => console.log('terminated')))
        setInterval(() => {}, 1_000)`),
    )
    const spool = await successor({ absentMs: 0 })
    expect(await spool.adopt()).toBe(0)
    process.kill(children[0]!.pid, 'SIGUSR2')
    await children[0]!.printed('terminated')
    await until('adopted', async () => (await spool.adopt()) === 1)
    expect(drain(spool)).toEqual(['of the owner'])
  })

  test('in a cluster: each worker has a folder, and the one that dies is taken over by its siblings', async () => {
    const worker = `
      const { openSpool } = await import('${built('sdk/dist/esm/spool/spool.js')}')
      const notices = { note() {}, counts: () => new Map() }
      const spool = await openSpool({ dir: ${JSON.stringify(room.dir)}, instance: crypto.randomUUID(), resource: Buffer.from('r'),
        maxBytes: 2 ** 31, durability: 'process', notices })
      spool.append(Buffer.from('of a worker'), 1)
      process.on('message', async (message) => {
        if (message === 'die') process.kill(process.pid, 'SIGKILL')
        else process.send(await spool.adopt())
      })
      process.send('up')`
    writeFileSync(join(room.dir, 'worker.mjs'), worker)
    const child = runLines(`
      import cluster from 'node:cluster'
      cluster.setupPrimary({ exec: ${JSON.stringify(join(room.dir, 'worker.mjs'))}, execArgv: [] })
      const next = (worker) => new Promise((resolve) => worker.once('message', resolve))
      const workers = [cluster.fork(), cluster.fork(), cluster.fork()]
      await Promise.all(workers.map(next))
      const adopt = (worker) => { worker.send('adopt'); return next(worker) }
      const alive = [await adopt(workers[0]), await adopt(workers[1])]
      const exited = new Promise((resolve) => workers[2].once('exit', resolve))
      workers[2].send('die')
      await exited
      const both = await Promise.all([adopt(workers[0]), adopt(workers[1])])
      console.log(JSON.stringify({ alive, after: both[0] + both[1] }))
      process.exit()`)
    children.push(child)
    await child.ended
    expect(JSON.parse(child.stdout()), child.stderr()).toEqual({ alive: [0, 0], after: 1 })
  })

  test('whose socket file a cleaner took: its next beat puts it back', async () => {
    const living = await successor()
    living.append(Buffer.from('mine'), 1)
    const own = readdirSync(room.dir)[0]!
    unlinkSync(join(room.dir, own, 'owner.sock'))
    rmSync(join(room.dir, own, 'owner.json'))
    writeOwnerFile(join(room.dir, own), readOwnerFile(join(room.dir, own)) ?? { ...elsewhere })
    await living.adopt()
    expect(existsSync(join(room.dir, own, 'owner.sock'))).toBe(true)
    expect(readOwnerFile(join(room.dir, own))?.name).not.toBe('another-host')
    const other = await successor({ absentMs: 0, foreignMs: 0 })
    expect(await other.adopt()).toBe(0)
  })

  test('whose folder was removed: it makes a new one, and its records have a name again', async () => {
    const living = await successor()
    living.append(Buffer.from('before'), 1)
    const own = join(room.dir, readdirSync(room.dir)[0]!)
    rmSync(own, { recursive: true })
    await living.adopt()
    living.append(Buffer.from('after'), 2)
    expect(readdirSync(own).sort()).toEqual(['00000002.seg', 'owner.json', 'owner.sock'])
    expect(drain(living)).toEqual(['before', 'after'])
  })
})

describe('an owner on another host of a shared volume', () => {
  /** One that was killed there: nobody answers on its socket from here, dead or alive. */
  async function onAnotherHost(file: Partial<OwnerFile> = {}): Promise<void> {
    const child = await begin(runLines(owner('setInterval(() => {}, 1_000)')))
    child.process.kill('SIGKILL')
    await child.ended
    writeOwnerFile(folder(), { ...elsewhere, ...file })
  }

  test('is left alone while it can be heard', async () => {
    await onAnotherHost()
    const spool = await successor()
    expect(await spool.adopt()).toBe(0)
  })

  test('is copied after ten minutes of silence, once, and loses nothing that it could still write to', async () => {
    await onAnotherHost()
    age()
    const spool = await successor()
    expect(await spool.adopt()).toBe(1)
    expect(drain(spool)).toEqual(['of the owner'])
    expect(existsSync(join(folder(), '00000001.seg'))).toBe(true)
    age()
    expect(await spool.adopt()).toBe(0)
    const third = await successor()
    expect(await third.adopt()).toBe(0)
  })

  test('loses sealed segments once they are copied', async () => {
    await onAnotherHost()
    // Sealed is what has a younger one beside it.
    const sealed = join(folder(), '00000001.seg')
    const spool = await successor()
    writeFileSync(join(folder(), '00000002.seg'), '')
    age()
    expect(await spool.adopt()).toBe(1)
    expect(existsSync(sealed)).toBe(false)
    expect(existsSync(join(folder(), '00000002.seg'))).toBe(true)
    expect(drain(spool)).toEqual(['of the owner'])
  })

  test('that ended in order is taken over at once', async () => {
    await onAnotherHost({ closed: true })
    age()
    const spool = await successor()
    expect(await spool.adopt()).toBe(1)
    expect(existsSync(folder())).toBe(false)
  })

  test('that had the name of this one was an earlier boot: taken over after the silence', async () => {
    const { hostname } = await import('node:os')
    await onAnotherHost({ name: hostname() })
    const spool = await successor()
    expect(await spool.adopt()).toBe(0)
    age()
    expect(await spool.adopt()).toBe(1)
    expect(existsSync(folder())).toBe(false)
  })

  test('a folder that says nothing of its owner (restored, say) is copied after the silence', async () => {
    await onAnotherHost()
    rmSync(join(folder(), 'owner.json'))
    const spool = await successor()
    expect(await spool.adopt()).toBe(0)
    age()
    expect(await spool.adopt()).toBe(1)
  })
})

test('a file that is no segment is set aside and said, not deleted', async () => {
  const child = await begin(runLines(owner('setInterval(() => {}, 1_000)')))
  writeFileSync(join(folder(), '00000000.seg'), Buffer.alloc(1_000))
  child.process.kill('SIGKILL')
  await child.ended
  const spool = await successor()
  await until('adopted', async () => (await spool.adopt()) === 1)
  expect(drain(spool)).toEqual(['of the owner'])
  expect(notices.counts().get('spool_damaged')).toBe(1)
  expect(readdirSync(room.dir).filter((name) => name.startsWith('damaged-'))).toHaveLength(1)
})
