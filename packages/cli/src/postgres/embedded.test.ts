import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { afterEach, expect, test } from 'vitest'
import { firstLine, freePort, kill9, runSource, until } from '../../testing/run-source.js'
import { isAlive } from '../system/processes.js'
import { removePostgresData, startPostgres } from './embedded.js'

const isRoot = process.getuid?.() === 0
const nobody = { uid: 65_534, gid: 65_534 }
const folders: string[] = []

afterEach(async () => {
  for (const folder of folders.splice(0)) {
    await removePostgresData(join(folder, 'db'))
    await rm(folder, { recursive: true, force: true })
  }
})

/** A folder of the test's own; 0755 unless said otherwise, as mkdtemp makes it 0700. */
async function folder(mode = 0o755): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'throughline-pg-'))
  folders.push(path)
  await chmod(path, mode)
  return path
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

test('rows are still there after stop and start, and the password is readable by its owner only', async () => {
  const options = { dir: join(await folder(), 'db'), port: await freePort() }
  const first = await startPostgres(options)
  await query(first.url, 'create table kept as select 42 as answer')
  await first.stop()
  expect(isAlive(first.pid)).toBe(false)

  const second = await startPostgres(options)
  expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }])
  expect(await query(second.url, 'show fsync')).toEqual([{ fsync: 'on' }])
  expect(await query(second.url, 'show server_encoding')).toEqual([{ server_encoding: 'UTF8' }])
  await second.stop()
  await second.stop()
  expect((await stat(join(second.dataDir, '../password'))).mode & 0o777).toBe(0o600)
  expect((await stat(second.dataDir)).mode & 0o777).toBe(0o700)

  await chmod(join(second.dataDir, 'PG_VERSION'), 0o600)
  await writeFile(join(second.dataDir, 'PG_VERSION'), '17\n')
  await expect(startPostgres(options)).rejects.toThrow(/of Postgres 17, ours is 18.*--fresh/)
})

test('a wrong password is refused', async () => {
  const running = await startPostgres({ dir: join(await folder(), 'db'), port: await freePort() })
  const wrong = running.url.replace(/:[^:@]+@/, ':wrong@')
  await expect(query(wrong, 'select 1')).rejects.toThrow(/password authentication failed/)
  await running.stop()
})

test.skipIf(!isRoot)('as root it works beneath a folder that only root may enter', async () => {
  const parent = await folder(0o700)
  const options = { dir: join(parent, 'db'), port: await freePort() }
  const first = await startPostgres(options)
  await query(first.url, 'create table kept as select 1 as n')
  await first.stop()
  const second = await startPostgres(options)
  expect(await query(second.url, 'select n from kept')).toEqual([{ n: 1 }])
  await second.stop()
  expect((await readFile(join(options.dir, 'location'), 'utf8')).trim()).toBe(join(second.dataDir, '../..'))

  await rm(options.dir, { recursive: true })
  const other = await startPostgres({ dir: join(await folder(), 'db'), port: options.port })
  expect(existsSync(second.dataDir), 'data of a folder that is gone').toBe(false)
  await other.stop()
})

test.skipIf(!isRoot)(
  'data under a shared folder begin anew when their folder was deleted and made again',
  async () => {
    const options = { dir: join(await folder(0o700), 'db'), port: await freePort() }
    const first = await startPostgres(options)
    await query(first.url, 'create table kept as select 1 as n')
    await rm(options.dir, { recursive: true })
    await mkdir(options.dir)
    const second = await startPostgres(options)
    expect(isAlive(first.pid)).toBe(false)
    await expect(query(second.url, 'select n from kept')).rejects.toThrow(/does not exist/)
    await second.stop()
  },
)

test('after kill -9 of its parent the next start takes the running Postgres over and stop ends it', async () => {
  const options = { dir: join(await folder(), 'db'), port: await freePort() }
  const child = runSource(`
    import { startPostgres } from source('postgres/embedded.ts')
    const running = await startPostgres(${JSON.stringify(options)})
    console.log('pid ' + running.pid)
    setInterval(() => {}, 1000)`)
  const pid = Number((await firstLine(child, (line) => line.startsWith('pid '))).slice(4))
  await kill9(child)
  expect(isAlive(pid)).toBe(true)

  const running = await startPostgres(options)
  expect(running).toMatchObject({ adopted: true, pid })
  expect(await query(running.url, 'select 1 as one')).toEqual([{ one: 1 }])
  await running.stop()
  expect(isAlive(pid)).toBe(false)
  expect(existsSync(join(options.dir, 'start.lock'))).toBe(false)
})

test('a Postgres of the same data on another port is stopped first', async () => {
  const dir = join(await folder(), 'db')
  const first = await startPostgres({ dir, port: await freePort() })
  const second = await startPostgres({ dir, port: await freePort() })
  expect(isAlive(first.pid)).toBe(false)
  expect(second.adopted).toBe(false)
  await second.stop()
})

test('after kill -9 of Postgres itself the next start recovers', async () => {
  const options = { dir: join(await folder(), 'db'), port: await freePort() }
  const first = await startPostgres(options)
  await query(first.url, 'create table kept as select 7 as n')
  process.kill(first.pid, 'SIGKILL')
  const second = await startPostgres(options)
  expect(second.adopted).toBe(false)
  expect(await query(second.url, 'select n from kept')).toEqual([{ n: 7 }])
  await second.stop()
})

test('kill -9 in the middle of making the data folder leaves nothing half done', async () => {
  const options = { dir: join(await folder(), 'db'), port: await freePort() }
  const child = runSource(`
    import { startPostgres } from source('postgres/embedded.ts')
    await startPostgres(${JSON.stringify(options)})`)
  const halfDone = async () => {
    const names = await readdir(options.dir).catch(() => [])
    return names.some((name) => existsSync(join(options.dir, name, 'data', 'PG_VERSION')))
  }
  await until('initdb has begun', halfDone)
  await kill9(child)
  expect(existsSync(join(options.dir, 'pg'))).toBe(false)

  const running = await startPostgres(options)
  expect(await query(running.url, 'select 1 as one')).toEqual([{ one: 1 }])
  await running.stop()
  expect((await readdir(options.dir)).sort()).toEqual(['pg', 'postgres.log'])
})

test('two starts at once make one Postgres', async () => {
  const options = { dir: join(await folder(), 'db'), port: await freePort() }
  const [a, b] = await Promise.all([startPostgres(options), startPostgres(options)])
  expect(a.pid).toBe(b.pid)
  expect([a.adopted, b.adopted].sort()).toEqual([false, true])
  await a.stop()
  await b.stop()
})

test('a taken port is named, with the variable that moves it', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const start = startPostgres({ dir: join(await folder(), 'db'), port })
  await expect(start).rejects.toMatchObject({
    code: 'TL_PORT_TAKEN',
    message: expect.stringMatching(`Port ${port} .*THROUGHLINE_PORT_POSTGRES`),
  })
  server.close()
})

test('a Postgres that cannot start says why, with its last lines', async () => {
  const options = { dir: join(await folder(), 'db'), port: await freePort() }
  const first = await startPostgres(options)
  await first.stop()
  await rm(join(first.dataDir, 'global', 'pg_control'))
  await expect(startPostgres(options)).rejects.toMatchObject({
    code: 'TL_POSTGRES_FAILED',
    message: expect.stringMatching(/postgres\.log[\s\S]*pg_control/),
  })
})

const repositoryIsOpen =
  isRoot &&
  spawnSync('/bin/sh', ['-c', `test -r "${import.meta.filename}" && test -x "${process.execPath}"`], {
    ...nobody,
    cwd: '/',
  }).status === 0

test.skipIf(!repositoryIsOpen)('a normal user runs it in a folder of that user', async () => {
  const parent = await folder()
  await chown(parent, nobody.uid, nobody.gid)
  const options = { dir: join(parent, 'db'), port: await freePort() }
  const script = `
    import { startPostgres } from source('postgres/embedded.ts')
    const running = await startPostgres(${JSON.stringify(options)})
    console.log('data ' + running.dataDir)
    await running.stop()`
  const env = { PATH: process.env.PATH, THROUGHLINE_CACHE_DIR: join(parent, 'cache') }
  const line = await firstLine(runSource(script, { ...nobody, env }), (text) => text.startsWith('data '))
  expect(line.slice(5)).toBe(join(options.dir, 'pg', 'data'))
  expect((await stat(dirname(line.slice(5)))).uid).toBe(nobody.uid)

  const asRoot = await startPostgres(options)
  expect(await query(asRoot.url, 'select 1 as one')).toEqual([{ one: 1 }])
  await asRoot.stop()
})
