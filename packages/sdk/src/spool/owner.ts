import { closeSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'

/** Name of the owner's socket in its folder. */
export const SOCKET = 'owner.sock'
/** Name of the file that says whose folder it is. Written anew at every beat: its age is how long the owner has been silent. */
const OWNER_FILE = 'owner.json'
/** `sun_path` holds 108 bytes, its closing zero among them. */
const MAX_SOCKET_PATH = 100
/** A Unix socket accepts at once or never; a file system that hangs is no sign of death. */
const CONNECT_MS = 1_000

/** One boot of one machine: a socket file can be asked from there alone. */
export interface Host {
  readonly name: string
  readonly boot: string
}

export interface OwnerFile extends Host {
  /** Where the file system takes no sockets (shares of a virtual machine, for one) only silence tells that an owner is gone. */
  readonly socket: boolean
  /** It ended in order and writes no more. */
  readonly closed: boolean
}

/** Containers on one kernel share its boot, and its sockets on a shared volume. */
export function thisHost(): Host {
  const name = hostname()
  try {
    return { name, boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() }
  } catch {
    // Not Linux: the socket files of an earlier boot refuse as well.
    return { name, boot: name }
  }
}

export function writeOwnerFile(folder: string, owner: OwnerFile): void {
  writeFileSync(join(folder, OWNER_FILE), JSON.stringify(owner), { mode: 0o600 })
}

/**
 * Writes the same again, so that its time is now by the clock of the file system. In place: a disk that is full must not empty it.
 * @throws if the folder is gone.
 */
export function touchOwnerFile(folder: string, owner: OwnerFile): void {
  try {
    const fd = openSync(join(folder, OWNER_FILE), 'r+')
    try {
      writeSync(fd, JSON.stringify(owner), 0)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    writeOwnerFile(folder, owner)
  }
}

/** Undefined for a folder without a readable one: restored without it, for example. */
export function readOwnerFile(folder: string): OwnerFile | undefined {
  try {
    const found = JSON.parse(readFileSync(join(folder, OWNER_FILE), 'utf8')) as Partial<OwnerFile>
    const { name = '', boot = '', socket = false, closed = false } = found
    return { name, boot, socket, closed }
  } catch {
    return undefined
  }
}

/** When the owner last wrote this file, by the clock of the file system; 0 if it is not there. */
export function lastBeat(folder: string): number {
  try {
    return statSync(join(folder, OWNER_FILE)).mtimeMs
  } catch {
    return 0
  }
}

/** Says to every other process, by a listening socket, that the owner of this folder lives. Closed by the system with the process. */
export function listenIn(folder: string): Promise<Server> {
  return withSocketPath(folder, (path) => {
    const server = createServer((socket) => socket.destroy())
    server.unref()
    return new Promise<Server>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, () => resolve(server))
    })
  })
}

/**
 * Whether somebody listens on the socket of a folder. A process that is stopped or busy still holds its socket, and the system accepts for
 * it: `refused` means that it is gone. No process IDs: they are reused, and every container has a 1. `absent`: there is no socket file.
 */
export function askOwner(folder: string): Promise<'listens' | 'refused' | 'absent'> {
  return withSocketPath(
    folder,
    (path) =>
      new Promise((resolve) => {
        const socket = connect(path)
        const timer = setTimeout(() => tell('listens'), CONNECT_MS)
        timer.unref()
        function tell(answer: 'listens' | 'refused' | 'absent'): void {
          clearTimeout(timer)
          socket.destroy()
          resolve(answer)
        }
        socket.once('connect', () => tell('listens'))
        socket.on('error', (error: NodeJS.ErrnoException) => {
          // Anything else (EAGAIN: its queue is full, nobody accepts) is no proof of death.
          tell(error.code === 'ECONNREFUSED' ? 'refused' : error.code === 'ENOENT' ? 'absent' : 'listens')
        })
      }),
  )
}

/** A folder that lies too deep for a socket address is reached through its own descriptor (Linux). */
async function withSocketPath<T>(folder: string, use: (path: string) => Promise<T>): Promise<T> {
  const path = join(folder, SOCKET)
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH || process.platform !== 'linux') return use(path)
  const fd = openSync(folder, 'r')
  try {
    return await use(`/proc/self/fd/${fd}/${SOCKET}`)
  } finally {
    closeSync(fd)
  }
}
