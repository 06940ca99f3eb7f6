import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { afterAll } from 'vitest'
import {
  type RunningPostgres,
  removePostgresData,
  startPostgres,
} from '../../packages/cli/src/postgres/embedded.js'

export type TestServer = {
  port: number
  /** Of the database `throughline`; a secret in nobody's hands but this test's. */
  url: string
  /** Starts it again after `stop`, on the same port with the same data. */
  start: () => Promise<void>
  stop: () => Promise<void>
}

export type TestDatabase = {
  url: string
  drop: () => Promise<void>
}

// The suite of packages/postgres runs a second time on an older Postgres: project `postgres-15` of vitest.config.ts.
const bin = process.env.THROUGHLINE_TEST_POSTGRES_BIN
const start = (dir: string, port: number): Promise<RunningPostgres> =>
  startPostgres({ dir, port, ...(bin === undefined ? {} : { bin }) })

const servers = new Set<{ running: RunningPostgres; dir: string }>()

// A worker that is ended in mid-test runs no afterAll; SIGINT is Postgres's fast shutdown.
process.on('exit', () => {
  for (const { running } of servers) signal(running.pid)
})

afterAll(async () => {
  for (const server of servers) {
    await server.running.stop()
    await removePostgresData(server.dir)
    await rm(server.dir, { recursive: true, force: true })
  }
  servers.clear()
})

const signal = (pid: number): void => {
  try {
    process.kill(pid, 'SIGINT')
  } catch {
    // It has ended already.
  }
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A real Postgres of its own for one test, for those that stop it. Ended and removed after the test file. */
export const testServer = async (): Promise<TestServer> => {
  const dir = await mkdtemp(join(tmpdir(), 'throughline-test-'))
  const port = await freePort()
  const entry = { running: await start(dir, port), dir }
  servers.add(entry)
  return {
    port,
    url: entry.running.url,
    async start() {
      entry.running = await start(dir, port)
    },
    stop: () => entry.running.stop(),
  }
}

let shared: Promise<TestServer> | undefined

/** A fresh database on the one real Postgres of this test file. Ended and removed after the file. */
export const testDatabase = async (): Promise<TestDatabase> => {
  shared ??= testServer()
  const { url } = await shared
  const name = `test_${randomBytes(6).toString('hex')}`
  await administer(url, `CREATE DATABASE ${name}`)
  const own = new URL(url)
  own.pathname = `/${name}`
  return { url: own.href, drop: () => drop(url, name) }
}

const leavingMs = 1_000

/**
 * A pool that has ended is heard by Postgres a moment later. A session that is terminated meanwhile is an error that nobody
 * listens for any more, and fails the run: so those that leave are waited for, and only those that stay are terminated.
 */
const drop = async (url: string, name: string): Promise<void> =>
  withClient(url, async (client) => {
    const deadline = Date.now() + leavingMs
    const sessions = async (): Promise<number> =>
      (
        await client.query(
          `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'`,
          [name],
        )
      ).rows[0].n
    while ((await sessions()) > 0 && Date.now() < deadline) await delay(10)
    await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
  })

const administer = (url: string, sql: string): Promise<void> =>
  withClient(url, async (client) => {
    await client.query(sql)
  })

const withClient = async (url: string, work: (client: pg.Client) => Promise<void>): Promise<void> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}
