import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, openStack, until } from '@throughline/cli'
import { createClient } from '@throughline/recorder/client'
import pg from 'pg'
import { chromium } from 'playwright-core'
import { expect, test } from 'vitest'
import { removePostgresData } from '../../packages/cli/src/postgres/embedded.js'
import { type PortName, portVariable } from '../../packages/cli/src/stack/ports.js'
import { runDoctor } from './support/doctor.js'
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

/** Goes where the printed link leads, as a browser does, and finds the data of the example there. */
async function openConsole(demo: Demo): Promise<{ secret: string }> {
  const links = [
    ...demo.output().matchAll(/(http:\/\/127\.0\.0\.1:\d+)\/#\/\?hours=0\.25&token=(tl_read_[\w-]{43})\s/g),
  ]
  expect(
    links.map(([, , secret]) => secret),
    'shown once',
  ).toHaveLength(1)
  const [, url = '', secret = ''] = links[0]!
  const page = await fetch(`${url}/`)
  expect(await page.text()).toContain('<title>Throughline</title>')
  const client = createClient({ url, token: secret })
  expect(await client.session()).toMatchObject({ role: 'read', valueModel: 'dyno-allocation' })
  const allocated = Number([...demo.output().matchAll(/(\d+) allocated/g)].at(-1)![1])
  const { report } = await client.value()
  const figure = (name: string) => report.figures.find((one) => one.name === name)
  expect(Number(figure('successes')?.value)).toBeGreaterThanOrEqual(allocated)
  expect(Number(figure('savings')?.value)).toBeGreaterThan(0)
  expect(report.file).toBe('value.yaml')
  const { total } = await client.performance({ operation: 'AllocationService.autoAllocate' })
  expect(total.count - total.failures).toBeGreaterThanOrEqual(allocated)
  await expect(client.updateBusiness()).rejects.toMatchObject({ status: 403 })
  await lookAt(links[0]![0].trim(), secret)
  for (const entry of await readdir(demo.folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile())
      expect(
        (await readFile(join(entry.parentPath, entry.name))).includes(secret),
        `${entry.name} has the token`,
      ).toBe(false)
  return { secret }
}

/** In a browser, where there is one: the tests of the console say it when there is none. */
async function lookAt(link: string, secret: string): Promise<void> {
  const executablePath = process.env.CHROMIUM || '/usr/bin/chromium'
  if (!existsSync(executablePath)) return
  const browser = await chromium.launch({ executablePath, chromiumSandbox: process.getuid?.() !== 0 })
  try {
    const page = await browser.newPage()
    page.setDefaultTimeout(30_000)
    await page.goto(link)
    await page.getByRole('link', { name: 'AllocationService.autoAllocate' }).first().waitFor()
    expect(page.url()).not.toContain(secret)
    await page.getByRole('link', { name: 'Value', exact: true }).click()
    await page.getByRole('button', { name: /^Savings [1-9][\d.,]* USD/ }).click()
    await page.getByText('minutes_per_allocation').first().waitFor()
  } finally {
    await browser.close()
  }
}

/** Of a token, once the stack that made it is gone. */
async function stateOf(secret: string, folder: string): Promise<string> {
  await using stack = await openStack({ dir: join(folder, '.throughline'), ports: await freePorts() })
  await stack.startPostgres()
  const client = new pg.Client({ connectionString: stack.databaseUrl })
  await client.connect()
  try {
    const { rows } = await client.query('SELECT revoked_at FROM throughline.tokens WHERE hash = $1', [
      createHash('sha256').update(secret).digest(),
    ])
    return rows[0] === undefined ? 'unknown' : rows[0].revoked_at === null ? 'valid' : 'revoked'
  } finally {
    await client.end()
  }
}

/** The processes that the stack had started, by its own book. */
async function startedPids(folder: string): Promise<number[]> {
  const book = JSON.parse(await readFile(join(folder, '.throughline', 'processes.json'), 'utf8')) as unknown
  return [...JSON.stringify(book).matchAll(/"pid":(\d+)/g)].map((match) => Number(match[1]))
}

test('beside it the doctor is content without a flag; the printed link opens the console on the example; Ctrl-C, which npm sends twice, ends all of it and leaves no process and no lock', async () => {
  const demo = await startDemo([])
  await printed(demo, 'Running. Ctrl-C stops everything.')
  const pids = await startedPids(demo.folder)
  expect(pids.length).toBeGreaterThanOrEqual(6)
  const { code, output } = await runDoctor(demo.folder)
  expect(code, output).toBe(0)
  expect(output).toMatch(/All \d+ hops hold/)
  const { secret } = await openConsole(demo)
  demo.child.kill('SIGINT')
  demo.child.kill('SIGINT')
  expect(await demo.exit).toBe(0)
  expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([])
  expect(existsSync(join(demo.folder, '.throughline/stack.lock'))).toBe(false)
  expect(existsSync(join(demo.folder, '.throughline/postgres/pg/data/postmaster.pid'))).toBe(false)
  expect(await stateOf(secret, demo.folder)).toBe('revoked')
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
  await openConsole(demo)
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
