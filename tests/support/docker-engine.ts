import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/*
 * A real Docker engine for tests. As root with `dockerd` installed it is one of our own: data, sockets and pid file under one temporary
 * folder, no bridge and no firewall rules, so that nothing of the machine changes and containers have the loopback alone. A test that wants
 * networks makes its own and names their bridges as the engine says; published ports are then forwarded by a program of Docker's. Else the
 * engine of DOCKER_HOST or of /var/run/docker.sock serves, if it answers.
 *
 *   start    folder → guard → dockerd → `_ping` → image
 *   kill9    SIGKILL of dockerd, and with it of the containerd that it has started; the containers go on, as after a crash
 *   restart  dockerd again over the same data; its socket is the same
 *   stop     the guard ends what runs from the folder, unmounts, removes. It waits for the end of a pipe whose other end is ours: a test
 *            process that is killed leaves no engine either
 */

/** Where an engine answers, as the options of a client. */
export type Connection = { socketPath: string } | { protocol: 'http'; host: string; port: number }

export interface TestEngine {
  /** Ours alone: it may be killed and halted, and every container on it is of this test. */
  readonly own: boolean
  /** `new Docker(engine.connection)`. */
  readonly connection: Connection
  /** An image with busybox in it, all applets on the PATH. */
  readonly image: string
  /** Of an own engine: what the names of bridges begin with that shall be removed with it (`com.docker.network.bridge.name`). */
  readonly bridges: string
  /** Of an own engine: the end of what dockerd has written. */
  log(): string
  kill9(): Promise<void>
  restart(): Promise<void>
  /** SIGSTOP: it takes connections and answers nothing. */
  halt(): void
  resume(): void
  /** May be called again. */
  stop(): Promise<void>
}

const IMAGE = 'throughline/busybox:test'
const READY_MS = 30_000
/** How long an engine may be silent while it makes an image: it writes all of it before it says a word. */
const MAKE_MS = 300_000
const DEFAULT_SOCKET = '/var/run/docker.sock'

const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/bin', '/bin']
const program = (name: string): string | undefined =>
  folders.map((folder) => join(folder, name)).find(isProgram)

/** An engine of its own can be started here. Tests that kill it need this. */
export const ownEngine = process.getuid?.() === 0 && program('dockerd') !== undefined

/**
 * Why there is no engine to test with, for `describe.skipIf`; undefined where there is one. Under CI it throws: there such a test may not
 * be skipped.
 */
export async function noEngine(): Promise<string | undefined> {
  const reason = await reasonAgainst()
  if (reason !== undefined && process.env.CI === 'true') throw new Error(`docker: ${reason}`)
  return reason
}

interface EngineOptions {
  /** An engine of its own publishes the ports of containers. Default false. */
  ports?: boolean
  /** Where its folder is made. Default: the folder for temporary files. */
  base?: string
}

export async function startEngine(options: EngineOptions = {}): Promise<TestEngine> {
  const reason = await reasonAgainst()
  if (reason !== undefined) throw new Error(reason)
  return ownEngine ? startOwn(options) : foreign()
}

/** A folder in memory, for who writes much that nobody reads again: if there is one that programs run from, with 6 GiB to spare. */
export function folderInMemory(): string {
  const shm = '/dev/shm'
  try {
    const { bavail, bsize } = statfsSync(shm)
    const mount = readFileSync('/proc/mounts', 'utf8').match(/^\S+ \/dev\/shm \S+ (\S+)/m)
    if (bavail * bsize > 6 * 2 ** 30 && mount?.[1]?.split(',').includes('noexec') === false) return shm
  } catch {
    // There is none.
  }
  return tmpdir()
}

async function reasonAgainst(): Promise<string | undefined> {
  const busybox = program('busybox')
  if (busybox === undefined) return 'no busybox; Debian has it as: apt-get install busybox-static'
  if (ownEngine || (await answers(elsewhere()))) return undefined
  return 'no Docker engine answers, and none can be started (dockerd installed, and root): apt-get install docker.io'
}

async function foreign(): Promise<TestEngine> {
  const connection = elsewhere()
  await importImage(connection)
  const refuse = () => {
    throw new Error('this engine is not ours to stop')
  }
  return {
    own: false,
    connection,
    image: IMAGE,
    bridges: '',
    log: () => '',
    kill9: async () => refuse(),
    restart: async () => refuse(),
    halt: refuse,
    resume: refuse,
    stop: async () => {},
  }
}

/** DOCKER_HOST as a client reads it, plain TCP or a socket. */
function elsewhere(): Connection {
  const host = process.env.DOCKER_HOST
  if (!host) return { socketPath: DEFAULT_SOCKET }
  if (host.startsWith('unix://')) return { socketPath: host.slice('unix://'.length) }
  const url = new URL(host)
  return { protocol: 'http', host: url.hostname, port: Number(url.port || 2375) }
}

async function startOwn({ ports = false, base: wanted = tmpdir() }: EngineOptions): Promise<TestEngine> {
  // The address of a Unix socket has 108 characters, and those of containerd lie four folders further down.
  const base = wanted.length < 40 ? wanted : '/tmp'
  const dir = await mkdtemp(join(base, 'tl-docker-'))
  const connection = { socketPath: join(dir, 'd.sock') }
  // Else the machine's own configuration would be read.
  writeFileSync(join(dir, 'd.json'), '{}')
  const guard = startGuard(dir)
  let daemon = startDaemon(dir, ports)
  const log = () => readFileSync(join(dir, 'dockerd.log'), 'utf8').split('\n').slice(-20).join('\n')
  const ready = async () => {
    const deadline = Date.now() + READY_MS
    while (!(await answers(connection))) {
      if (daemon.exitCode !== null || Date.now() > deadline)
        throw new Error(`dockerd did not start:\n${log()}`)
      await pause(50)
    }
  }
  const stop = async () => {
    guard.ref()
    guard.stdin?.end()
    if (guard.exitCode === null && guard.signalCode === null) await once(guard, 'exit')
  }
  try {
    await ready()
    await importImage(connection)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    own: true,
    connection,
    image: IMAGE,
    bridges: `tl-${dir.split('-').at(-1)}-`,
    log,
    async kill9() {
      daemon.kill('SIGKILL')
      if (daemon.exitCode === null && daemon.signalCode === null) await once(daemon, 'exit')
    },
    async restart() {
      await forget(join(dir, 'd.pid'))
      await forget(join(dir, 'x/containerd/containerd.pid'))
      daemon = startDaemon(dir, ports)
      await ready()
    },
    halt: () => void daemon.kill('SIGSTOP'),
    resume: () => void daemon.kill('SIGCONT'),
    stop,
  }
}

function startDaemon(dir: string, ports: boolean): ChildProcess {
  const out = openSync(join(dir, 'dockerd.log'), 'a')
  const args = [
    ['--data-root', join(dir, 'data')],
    ['--exec-root', join(dir, 'x')],
    ['--host', `unix://${join(dir, 'd.sock')}`],
    ['--pidfile', join(dir, 'd.pid')],
    ['--config-file', join(dir, 'd.json')],
    ['--bridge', 'none'],
    ['--cgroup-parent', cgroupOf(dir)],
    ['--exec-opt', 'native.cgroupdriver=cgroupfs'],
    ['--iptables=false', '--ip-forward=false', `--userland-proxy=${ports}`],
    ['--shutdown-timeout', '2'],
  ].flat()
  // A session of its own: Ctrl-C in the terminal reaches the tests first, and the guard ends the engine after them.
  return spawn(program('dockerd') ?? 'dockerd', args, { detached: true, stdio: ['ignore', out, out] })
}

/**
 * Removes the pid file of a process that has ended: the next one takes the number for its predecessor otherwise, if it was given out again or
 * if nobody has reaped the dead one.
 */
async function forget(pidFile: string): Promise<void> {
  const pid = existsSync(pidFile) ? readFileSync(pidFile, 'utf8').trim() : ''
  const deadline = Date.now() + 5_000
  while (isRunning(pid) && Date.now() < deadline) await pause(10)
  if (!isRunning(pid)) await rm(pidFile, { force: true })
}

function isRunning(pid: string): boolean {
  try {
    return pid !== '' && !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

const cgroupOf = (dir: string): string => `/${dir.split('/').at(-1)}`

function startGuard(dir: string): ChildProcess {
  const script = fileURLToPath(new URL('docker-guard.sh', import.meta.url))
  const guard = spawn('bash', [script, dir, cgroupOf(dir)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  guard.unref()
  return guard
}

/** The root file system is one static program and its names: no registry is asked. */
async function importImage(connection: Connection): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'tl-rootfs-'))
  try {
    for (const folder of ['bin', 'tmp', 'etc']) mkdirSync(join(root, folder))
    const busybox = program('busybox') as string
    await copyFile(busybox, join(root, 'bin/busybox'))
    for (const applet of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).split('\n'))
      if (applet !== '' && applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet))
    await importFolder(connection, root, IMAGE)
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

/** Makes a folder the root file system of an image; `changes` are lines of a Dockerfile, such as `USER 10001`. */
export function importFolder(
  connection: Connection,
  folder: string,
  image: string,
  changes: readonly string[] = [],
): Promise<void> {
  const [repo, tag] = image.split(':') as [string, string]
  const query = new URLSearchParams({ fromSrc: '-', repo, tag })
  for (const change of changes) query.append('changes', change)
  return makeImage(connection, `/images/create?${query}`, folder)
}

/** Builds an image by the Dockerfile in a folder, which is its context. */
export function buildFolder(connection: Connection, folder: string, image: string): Promise<void> {
  return makeImage(connection, `/build?${new URLSearchParams({ t: image, networkmode: 'none' })}`, folder)
}

async function makeImage(connection: Connection, path: string, folder: string): Promise<void> {
  const tar = spawn('tar', ['-C', folder, '-c', '.'], { stdio: ['ignore', 'pipe', 'ignore'] })
  const answer = await call(connection, 'POST', path, tar.stdout, MAKE_MS)
  // What goes wrong after the first byte is a line in the body of a 200.
  if (answer.status !== 200 || answer.body.includes('"error"')) throw new Error(`image: ${answer.body}`)
}

const answers = (connection: Connection): Promise<boolean> =>
  call(connection, 'GET', '/_ping').then(
    ({ status, body }) => status === 200 && body === 'OK',
    () => false,
  )

/** One request to the engine's API. */
export function call(
  connection: Connection,
  method: string,
  path: string,
  content?: Readable,
  silentMs = READY_MS,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = content === undefined ? {} : { 'content-type': 'application/x-tar' }
    const sent = request({ ...connection, agent: false, method, path, headers }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
      )
      answer.on('error', reject)
    })
    sent.on('error', reject)
    // An engine that takes the connection and is silent is none.
    sent.setTimeout(silentMs, () => sent.destroy(new Error('no answer')))
    if (content === undefined) sent.end()
    else content.pipe(sent)
  })
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return existsSync(path)
  } catch {
    return false
  }
}

/** What `DOCKER_HOST` is for it. */
export function dockerHostOf({ connection }: TestEngine): string {
  return 'socketPath' in connection
    ? `unix://${connection.socketPath}`
    : `tcp://${connection.host}:${connection.port}`
}
