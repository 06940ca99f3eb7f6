import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { firstLine, kill9, runSource } from '../../testing/run-source.js'
import { isAlive, signal } from '../system/processes.js'
import { freePorts } from './ports.js'
import { type ProcessSpec, processPart } from './process.js'
import { openRegistry } from './registry.js'
import { until } from './wait.js'

const healthy = `require('node:http').createServer((_, response) => response.end('ok')).listen(Number(process.env.PORT), '127.0.0.1')`

let dir: string
let spec: ProcessSpec
let lines: string[]

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'throughline-process-'))
  const { recorder: port } = await freePorts()
  const url = `http://127.0.0.1:${port}`
  lines = []
  spec = {
    name: 'child',
    url,
    command: process.execPath,
    args: ['-e', healthy],
    env: { PORT: String(port) },
    healthUrl: url,
  }
})

afterEach(() => rmSync(dir, { recursive: true, force: true }))

function part(overrides: Partial<ProcessSpec> = {}) {
  return processPart(
    { ...spec, ...overrides },
    { dir, registry: openRegistry(dir), log: (line) => lines.push(line) },
  )
}

const recorded = () => JSON.parse(readFileSync(join(dir, 'processes.json'), 'utf8')) as { pid: number }[]

describe('a child process', () => {
  it('answers once it is started, is on record while it runs, and is gone after stop', async () => {
    const child = part()
    await child.start()
    const pid = child.pid!
    expect((await fetch(child.url)).status).toBe(200)
    expect(recorded()).toMatchObject([{ name: 'child', pid }])
    await child.start()
    expect(child.pid).toBe(pid)
    await child.stop()
    expect(isAlive(pid)).toBe(false)
    expect(child.running).toBe(false)
    expect(recorded()).toEqual([])
    expect(lines).toEqual([])
  })

  it('starts again with the same configuration after kill -9', async () => {
    const child = part()
    await child.start()
    const pid = child.pid
    await child.kill('SIGKILL')
    expect(child.running).toBe(false)
    await child.start()
    expect(child.pid).not.toBe(pid)
    expect((await fetch(child.url)).status).toBe(200)
    await child.stop()
  })

  it('a stopped one can still be ended', async () => {
    const child = part()
    await child.start()
    await child.kill('SIGSTOP')
    await child.stop()
    expect(child.running).toBe(false)
  })

  it('one that ignores SIGTERM is ended by force after the deadline', async () => {
    const child = part({ args: ['-e', `process.on('SIGTERM', () => {}); ${healthy}`], stopDeadlineMs: 200 })
    await child.start()
    const pid = child.pid!
    await child.stop()
    expect(isAlive(pid)).toBe(false)
  })

  it('that ends before it is ready fails with its last words', async () => {
    const child = part({ args: ['-e', `console.error('no such database'); process.exit(3)`] })
    await expect(child.start()).rejects.toMatchObject({
      code: 'TL_PROCESS_EXITED',
      message: expect.stringMatching(/exit code 3[\s\S]*no such database/),
    })
    expect(child.running).toBe(false)
    expect(recorded()).toEqual([])
  })

  it('that never answers is ended and named with its URL', async () => {
    const child = part({ args: ['-e', 'setInterval(() => {}, 1000)'], readyDeadlineMs: 300 })
    await expect(child.start()).rejects.toMatchObject({ code: 'TL_PROCESS_NOT_READY' })
    expect(child.running).toBe(false)
    expect(recorded()).toEqual([])
  })

  it('whose program does not exist is an error and nothing else', async () => {
    await expect(part({ command: join(dir, 'missing') }).start()).rejects.toMatchObject({
      code: 'TL_PROCESS_EXITED',
    })
  })

  it('that ends unasked is reported with its last words', async () => {
    const child = part({
      args: ['-e', `${healthy}; setTimeout(() => { console.error('out of luck'); process.exit(1) }, 300)`],
    })
    await child.start()
    await until(() => lines.length > 0, { what: 'the report' })
    expect(lines[0]).toMatch(/child ended unexpectedly \(exit code 1\)[\s\S]*out of luck/)
    expect(child.running).toBe(false)
  })

  it('sees none of our own environment but the few general variables', async () => {
    process.env.AWS_PROFILE = 'production'
    const script = `require('node:fs').writeFileSync(process.env.OUT, JSON.stringify(process.env)); ${healthy}`
    const child = part({ args: ['-e', script], env: { ...spec.env, OUT: join(dir, 'env.json') } })
    await child.start()
    await child.stop()
    delete process.env.AWS_PROFILE
    expect(JSON.parse(readFileSync(join(dir, 'env.json'), 'utf8'))).not.toHaveProperty('AWS_PROFILE')
  })
})

describe('what a killed parent left behind', () => {
  it('is ended by the next start, even if it is stopped', async () => {
    const parent = runSource(
      `const { processPart } = await import(source('stack/process.ts'))
       const { openRegistry } = await import(source('stack/registry.ts'))
       const dir = process.env.DIR
       const child = processPart(JSON.parse(process.env.SPEC), { dir, registry: openRegistry(dir), log: console.log })
       await child.start()
       await child.kill('SIGSTOP')
       console.log('up')`,
      { env: { ...process.env, DIR: dir, SPEC: JSON.stringify(spec) } },
    )
    await firstLine(parent, (line) => line === 'up')
    await kill9(parent)
    const pid = recorded()[0]!.pid
    expect(isAlive(pid)).toBe(true)
    expect(await openRegistry(dir).endLeftovers()).toEqual(['child'])
    expect(isAlive(pid)).toBe(false)
    expect(recorded()).toEqual([])
  })

  it('a stranger that got the same pid since is left alone', async () => {
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
    await once(stranger, 'spawn')
    const entry = { name: 'child', pid: stranger.pid, start: 'long ago' }
    writeFileSync(join(dir, 'processes.json'), JSON.stringify([entry]))
    try {
      expect(await openRegistry(dir).endLeftovers()).toEqual([])
      expect(isAlive(stranger.pid!)).toBe(true)
    } finally {
      signal(stranger.pid!, 'SIGKILL')
    }
  })

  it.each(['', '{', 'null', '[1, {"pid": -1, "name": "x", "start": "y"}]'])(
    'a torn record (%s) is nothing',
    async (text) => {
      writeFileSync(join(dir, 'processes.json'), text)
      expect(await openRegistry(dir).endLeftovers()).toEqual([])
    },
  )
})
