import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { parseEnv } from 'node:util'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { IMAGES } from '../../../packages/cli/src/init/compose-file.js'
import { contentsOf, folderOf, put } from '../../../packages/cli/testing/folders.js'
import { freePort } from '../../../packages/cli/testing/run-source.js'
import { createToken } from '../../../packages/postgres/src/tokens.js'
import { createRecorder, type Recorder } from '../../../packages/recorder/src/index.js'
import { until } from '../../../packages/sdk/testing/until.js'
import { projects, type ServiceProject } from '../../init/projects.js'
import { installOwn, npmCli } from '../../support/npm.js'
import { type TestDatabase, testDatabase } from '../../support/postgres.js'
import { blocksOf } from '../blocks/collect.js'
import { packAll, type Tarballs } from '../tarballs.js'
import { root } from '../workspace.js'

/** nest start compiles first; other tests have the machine too. */
const DEADLINE_MS = 90_000

let tarballs: Tarballs
let database: TestDatabase
let pool: pg.Pool
let recorder: Recorder
let recorderUrl: string
let token: string
let service: { stop: () => Promise<void> } | undefined

beforeAll(async () => {
  tarballs = await packAll()
  for (const folder of new Set(projects.flatMap(({ from }) => from)))
    if (folder !== '.') await installOwn(join(root, folder))
  database = await testDatabase()
  pool = new pg.Pool({ connectionString: database.url, max: 2 })
  recorder = createRecorder({ databaseUrl: database.url, port: 0, tokenRefreshMs: 100, log: () => {} })
  recorderUrl = (await recorder.listen()).url
  await vi.waitUntil(async () => (await fetch(`${recorderUrl}/healthz`)).ok, { timeout: 20_000 })
  token = (await createToken(pool, { name: 'tests', role: 'ingest' })).secret
})
afterEach(() => service?.stop())
afterAll(async () => {
  await recorder?.close()
  await pool?.end()
  await database?.drop()
  tarballs?.remove()
})

/** `throughline init` as it is in the tarball. */
function init(folder: string, ...args: string[]): { code: number | null; out: string; err: string } {
  const bin = join(tarballs.project, 'node_modules/@throughline/cli/bin/throughline.js')
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, 'init', ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH },
    encoding: 'utf8',
  })
  return { code: status, out: stdout, err: stderr }
}

/** As an installer would leave it: what the project names, from where it is installed already, and our packages from their tarballs. */
function install(folder: string, from: readonly string[]): void {
  const modules = join(folder, 'node_modules')
  for (const place of [tarballs.project, ...from.map((path) => join(root, path))])
    for (const path of packagesIn(join(place, 'node_modules'))) {
      mkdirSync(dirname(join(modules, path)), { recursive: true })
      if (!existsSync(join(modules, path)))
        symlinkSync(realpathSync(join(place, 'node_modules', path)), join(modules, path))
    }
  // Their links are relative, so they lead to the packages that are linked beside them.
  for (const bin of from
    .map((path) => join(root, path, 'node_modules/.bin'))
    .filter((path) => existsSync(path)))
    for (const name of readdirSync(bin)) {
      mkdirSync(join(modules, '.bin'), { recursive: true })
      const place = join(modules, '.bin', name)
      if (lstatSync(place, { throwIfNoEntry: false }) === undefined)
        symlinkSync(readlinkSync(join(bin, name)), place)
    }
}

function packagesIn(modules: string): string[] {
  return readdirSync(modules).flatMap((name) => {
    if (name.startsWith('.')) return []
    return name.startsWith('@')
      ? readdirSync(join(modules, name)).map((inside) => `${name}/${inside}`)
      : [name]
  })
}

/** Starts the service by its own script, as its author would; resolves when it takes connections. */
async function start(folder: string, script: string): Promise<{ port: number; stderr: () => string }> {
  const port = await freePort()
  const child = spawn(process.execPath, [npmCli(), 'run', script], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      HOME: join(folder, 'node_modules'),
      npm_config_update_notifier: 'false',
      DD_TRACE_STARTUP_LOGS: 'false',
      ...forOthers(folder),
      PORT: String(port),
      OTEL_SERVICE_NAME: 'shop',
      THROUGHLINE_RECORDER_URL: recorderUrl,
      THROUGHLINE_RECORDER_TOKEN: token,
      THROUGHLINE_SPOOL_DIR: join(folder, 'node_modules/.s'),
    },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  const ended = once(child, 'close')
  let over = false
  void ended.then(() => (over = true))
  service = {
    async stop() {
      service = undefined
      // npm and what it runs are one group.
      if (!over) process.kill(-(child.pid as number), 'SIGTERM')
      await ended
    },
  }
  await until(
    `${script} of ${folder} listens`,
    () => {
      if (over) throw new Error(`it ended:\n${said}`)
      return takesConnections(port)
    },
    DEADLINE_MS,
  )
  return { port, stderr: () => said }
}

/** What the environment example says to tracers that are not ours. */
function forOthers(folder: string): Record<string, string> {
  const all = parseEnv(readFileSync(join(folder, '.env.example'), 'utf8')) as Record<string, string>
  return Object.fromEntries(Object.entries(all).filter(([name]) => name.startsWith('DD_')))
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

describe.each(projects)('$name', (project: ServiceProject) => {
  test('is set up, started by its own script, has a row with the ID of the request, and is byte by byte what it was after --undo', async () => {
    const folder = folderOf(project.files)
    const before = contentsOf(folder)

    const shown = init(folder)
    expect(shown.code).toBe(1)
    expect(shown.err).toContain('--yes')
    expect(shown.out).toContain('+    "@throughline/sdk": "^0.1.0"'.replace('    ', indentOf(project)))
    expect(contentsOf(folder)).toEqual(before)

    const written = init(folder, '--yes')
    expect(written).toMatchObject({ code: 0, err: '' })
    const after = contentsOf(folder)
    expect(Object.keys(before).filter((path) => after[path] === undefined)).toEqual([])
    expect(init(folder, '--yes').out).toContain('Nothing to change')
    expect(contentsOf(folder)).toEqual(after)

    put(folder, project.tracked)
    install(folder, project.from)
    const id = `order-${project.name.replaceAll(/\W+/g, '-')}`
    const { port, stderr } = await start(folder, project.script)
    const answer = await fetch(`http://127.0.0.1:${port}/orders/4711`, {
      method: 'POST',
      headers: { 'x-correlation-id': id },
    })
    expect([answer.status, await answer.json()]).toEqual([201, { id: '4711', placed: true }])
    const rowsOf = async () =>
      (
        await pool.query(
          `SELECT service, operation_service || '.' || operation AS operation, success FROM throughline.operations WHERE correlation_id = $1`,
          [id],
        )
      ).rows
    await until('the row', async () => (await rowsOf()).length > 0, DEADLINE_MS).catch((error) => {
      throw new Error(`${error.message}\n${stderr()}`)
    })
    expect(await rowsOf()).toEqual([{ service: 'shop', operation: project.operation, success: true }])
    await service?.stop()
    expect(stderr()).toContain(project.says ?? 'throughline: shop; instruments http, undici')

    put(
      folder,
      Object.fromEntries(Object.keys(project.tracked).map((path) => [path, project.files[path] as string])),
    )
    if (project.built !== undefined) rmSync(join(folder, project.built), { recursive: true })
    expect(init(folder, '--undo', '--yes')).toMatchObject({ code: 0, err: '' })
    expect(contentsOf(folder)).toEqual(before)
    expect(init(folder, '--undo', '--yes').out).toContain('nothing to undo')
  })
})

const indentOf = ({ files }: ServiceProject) => (files['package.json']?.includes('\t') ? '\t\t' : '    ')

describe('docs/guides/init.md', () => {
  test('shows what is shown', () => {
    const [express] = projects
    const { out } = init(folderOf(express.files), '--yes')
    const blocks = blocksOf('docs/guides/init.md').filter(({ language }) =>
      ['text', 'diff'].includes(language),
    )
    expect(blocks.length).toBeGreaterThan(1)
    for (const { code } of blocks) expect(out).toContain(code)
  })
})

/** Of util-linux: it gives a program a terminal. */
const TERMINAL = 'script'

test.skipIf(spawnSync(TERMINAL, ['--version']).status !== 0)('at a terminal it asks before it writes', () => {
  const [express] = projects
  const folder = folderOf(express.files)
  const before = contentsOf(folder)
  const bin = join(tarballs.project, 'node_modules/@throughline/cli/bin/throughline.js')
  const answer = (said: string, ...more: string[]) =>
    spawnSync(TERMINAL, ['-qec', [process.execPath, bin, 'init', ...more].join(' '), '/dev/null'], {
      cwd: folder,
      env: { PATH: process.env.PATH },
      input: said,
      encoding: 'utf8',
    }).stdout
  expect(answer('n\n')).toMatch(/Write 8 files\? \[y\/N\][\s\S]*Nothing was written/)
  expect(contentsOf(folder)).toEqual(before)
  expect(answer('y\n')).toContain('Wrote 8 files')
  expect(answer('y\n', '--undo')).toMatch(/Take back 8 files\? \[y\/N\][\s\S]*Took back 8 files/)
  expect(contentsOf(folder)).toEqual(before)
})

test('a service that init cannot set up is left as it is', () => {
  const folder = folderOf({
    'package.json': '{"dependencies": {"next": "16.0.0"}, "scripts": {"start": "next start"}}',
  })
  expect(init(folder, '--yes')).toMatchObject({ code: 1, err: expect.stringContaining('Next.js') })
  expect(Object.keys(contentsOf(folder))).toEqual(['package.json'])
})

test('the token that the compose file admits is one that the recorder takes', async () => {
  const folder = folderOf({ 'package.json': '{"scripts": {"start": "node app.js"}}' })
  expect(init(folder, '--yes').code).toBe(0)
  const { services } = parse(readFileSync(join(folder, 'throughline/compose.yaml'), 'utf8'), { merge: true })
  const secret = /^THROUGHLINE_INGEST_TOKEN=(.+)$/m.exec(
    readFileSync(join(folder, 'throughline/.env'), 'utf8'),
  )?.[1]
  const [program, ...args] = services.schema.command as string[]
  expect(program).toBe('node')
  // `pg` comes with the package of Postgres, as npm lays it out in the image.
  install(folder, ['.'])
  const { status, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    env: { THROUGHLINE_DATABASE_URL: database.url, THROUGHLINE_INGEST_TOKEN: secret },
    encoding: 'utf8',
  })
  expect([status, stderr]).toEqual([0, ''])
  await until('the recorder knows the token', async () => {
    const url = `${recorderUrl}/v1/confirm?instance=00000000-0000-4000-8000-000000000000`
    return (await fetch(url, { headers: { authorization: `Bearer ${secret}` } })).ok
  })
})

test('the images are those of docker-compose.yml', () => {
  const ours = readFileSync(join(root, 'docker-compose.yml'), 'utf8')
  const { node, ...stores } = IMAGES
  for (const image of Object.values(stores)) expect(ours).toContain(`image: ${image}\n`)
  expect(readFileSync(join(root, 'deploy/docker/recorder.Dockerfile'), 'utf8')).toContain(`FROM ${node}\n`)
})
