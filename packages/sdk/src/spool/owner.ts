import { closeSync, openSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'

/** Name of the owner's socket in its folder. */
export const SOCKET = 'owner.sock'
/** `sun_path` holds 108 bytes, its closing zero among them. */
const MAX_SOCKET_PATH = 100

/** Says to every other process, by a listening socket, that the owner of this folder lives. Closed by the system with the process. */
export function claimFolder(folder: string): Promise<Server> {
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
 * Whether the owner of a folder lives. A process that is stopped or busy still holds its socket, and the system accepts for it: only
 * a refused connection, or a socket that was never there, means that it is gone. No process IDs: they are reused, and every container has a 1.
 */
export function ownerLives(folder: string): Promise<boolean> {
  return withSocketPath(
    folder,
    (path) =>
      new Promise<boolean>((resolve) => {
        const socket = connect(path)
        socket.once('connect', () => {
          socket.destroy()
          resolve(true)
        })
        socket.once('error', (error: NodeJS.ErrnoException) => {
          resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT')
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
