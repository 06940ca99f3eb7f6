import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, until } from '@throughline/cli'
import { expect, test } from 'vitest'
import { removePostgresData } from '../../packages/cli/src/postgres/embedded.js'
import { type PortName, portVariable } from '../../packages/cli/src/stack/ports.js'
import { atEnd } from './support/test-stack.js'

const main = new URL('../../examples/dyno-allocation/dist/demo/main.js', import.meta.url).pathname

interface Demo {
  folder: string
  output: () => string
  child: ChildProcess
  exit: Promise<number | null>
}

/** What `npm start` runs, in a folder of its own on free ports. */
async function startDemo(args: string[], env: Record<string, string> = {}): Promise<Demo> {
  const folder = await mkdtemp(join(tmpdir(), 'throughline-demo-'))
  const ports = Object.entries(await freePorts()).map(([name, port]) => [
    portVariable(name as PortName),
    String(port),
  ])
  const child = spawn(process.execPath, [main, ...args], {
    cwd: folder,
    env: { ...process.env, ...Object.fromEntries(ports), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (chunk: string) => {
      output += chunk
    })
  }
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve))
  atEnd(async () => {
    child.kill('SIGINT')
    await exit
    await removePostgresData(join(folder, '.throughline', 'postgres'))
    await rm(folder, { recursive: true, force: true })
  })
  return { folder, output: () => output, child, exit }
}

function printed(demo: Demo, text: string): Promise<unknown> {
  return until(() => demo.output().includes(text) || (demo.child.exitCode !== null && 'ended'), {
    what: `"${text}" in what it prints`,
    deadlineMs: 90_000,
  })
}

/** The processes that the stack had started, by its own book. */
async function startedPids(folder: string): Promise<number[]> {
  const book = JSON.parse(await readFile(join(folder, '.throughline', 'processes.json'), 'utf8')) as unknown
  return [...JSON.stringify(book).matchAll(/"pid":(\d+)/g)].map((match) => Number(match[1]))
}

test('Ctrl-C, which npm sends a second time, stops everything and leaves no process and no lock', async () => {
  const demo = await startDemo([])
  await printed(demo, 'Running. Ctrl-C stops everything.')
  const pids = await startedPids(demo.folder)
  expect(pids.length).toBeGreaterThanOrEqual(6)
  demo.child.kill('SIGINT')
  demo.child.kill('SIGINT')
  expect(await demo.exit).toBe(0)
  expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([])
  expect(existsSync(join(demo.folder, '.throughline/stack.lock'))).toBe(false)
  expect(existsSync(join(demo.folder, '.throughline/postgres/pg/data/postmaster.pid'))).toBe(false)
})

test('a taken port is named, with the way out', async () => {
  const ports = await freePorts()
  const taken = (await import('node:net')).createServer().listen(ports.recorder, '127.0.0.1')
  atEnd(async () => void taken.close())
  const demo = await startDemo(['--once'], { THROUGHLINE_PORT_RECORDER: String(ports.recorder) })
  expect(await demo.exit).toBe(1)
  expect(demo.output()).toContain(String(ports.recorder))
  expect(demo.output()).toContain('THROUGHLINE_PORT_RECORDER')
})

test('without Go and without built binaries it runs in direct mode, says what is left out and how to get it', async () => {
  const nothing = await mkdtemp(join(tmpdir(), 'throughline-no-go-'))
  atEnd(() => rm(nothing, { recursive: true, force: true }))
  await mkdir(join(nothing, 'cache'))
  const demo = await startDemo([], { PATH: nothing, THROUGHLINE_CACHE_DIR: join(nothing, 'cache') })
  await printed(demo, 'Going on in direct mode')
  expect(demo.output()).toMatch(/✔ Operations, rows +200 completed, 200 rows/)
  expect(demo.output()).toMatch(/Go .*1\.25/)
  demo.child.kill('SIGINT')
  expect(await demo.exit).toBe(0)
})

test('--once without the binaries ends with an error after the embedded table', async () => {
  const nothing = await mkdtemp(join(tmpdir(), 'throughline-no-go-'))
  atEnd(() => rm(nothing, { recursive: true, force: true }))
  const demo = await startDemo(['--once'], { PATH: nothing, THROUGHLINE_CACHE_DIR: nothing })
  expect(await demo.exit).toBe(1)
  expect(demo.output()).toContain('Embedded: services')
})
