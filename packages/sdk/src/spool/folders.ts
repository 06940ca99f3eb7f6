import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import type { Server } from 'node:net'
import { join } from 'node:path'
import {
  askOwner,
  type Host,
  lastBeat,
  listenIn,
  type OwnerFile,
  readOwnerFile,
  SOCKET,
  touchOwnerFile,
  writeOwnerFile,
} from './owner.js'

/** Folders of instances bear a UUID; what begins with a dot is being made. */
const INSTANCE = /^[0-9a-f]{8}-[0-9a-f-]{27}$/
const UNNAMED = /^\.[0-9a-f]{8}-[0-9a-f-]{27}$/
/** A copy bears the size that its source had. */
const SEGMENT = /^\d{8}(-\d+)?\.seg$/

/** The folder of one instance while it lives. */
export interface OwnFolder {
  readonly path: string
  /** Says that it lives: every 30 s. Puts back a socket or an owner file that a cleaner of temporary files took. */
  beat(): Promise<void>
  /** Says that nothing is written any more. What stays in the folder may be adopted as soon as the process is gone. */
  leave(): void
  close(): Promise<void>
}

/**
 * Makes the folder of this instance, its owner's socket and file first: it gets its name only when it can be seen to be alive, so that
 * nobody adopts it in between.
 * @throws if the spool folder belongs to somebody else, or cannot be written.
 */
export async function claimFolder(dir: string, instance: string, host: Host): Promise<OwnFolder> {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  checkOwner(dir)
  const unnamed = join(dir, `.${instance}`)
  const path = join(dir, instance)
  rmSync(unnamed, { recursive: true, force: true })
  mkdirSync(unnamed, { mode: 0o700 })
  let server = await tryListen(unnamed)
  const owner = (closed = false): OwnerFile => ({ ...host, socket: server !== undefined, closed })
  writeOwnerFile(unnamed, owner())
  renameSync(unnamed, path)
  return {
    path,
    async beat() {
      if (server !== undefined && !existsSync(join(path, SOCKET))) {
        await closed(server)
        server = await tryListen(path)
        writeOwnerFile(path, owner())
      } else touchOwnerFile(path, owner())
    },
    leave: () => writeOwnerFile(path, owner(true)),
    close: () => closed(server),
  }
}

/** Undefined where the file system takes no sockets. */
function tryListen(folder: string): Promise<Server | undefined> {
  return listenIn(folder).catch(() => undefined)
}

function closed(server: Server | undefined): Promise<void> {
  return new Promise((resolve) => (server === undefined ? resolve() : server.close(() => resolve())))
}

/** The default lies in a folder that everybody may write: a spool that another user laid there is not ours to fill. */
function checkOwner(dir: string): void {
  const info = lstatSync(dir)
  const uid = process.getuid?.()
  if (!info.isDirectory()) throw new Error('it is no folder')
  if (uid !== undefined && info.uid !== uid)
    throw new Error(`it belongs to user ${info.uid}, this process is user ${uid}`)
}

/** Where instances have their folders. */
export function instanceFolders(dir: string): { instance: string; path: string }[] {
  return readdirSync(dir)
    .filter((name) => INSTANCE.test(name) && isFolder(join(dir, name)))
    .map((name) => ({ instance: name, path: join(dir, name) }))
}

/** What a process left that died while it made its folder. There is no record in it. */
export function removeUnnamed(dir: string, olderThanMs: number): void {
  for (const name of readdirSync(dir)) {
    const path = join(dir, name)
    if (UNNAMED.test(name) && Date.now() - statSync(path).mtimeMs > olderThanMs)
      rmSync(path, { recursive: true, force: true })
  }
}

/** Paths below the folder, relative to it, oldest first. An adopter may have died with folders it had adopted: they lie below. */
export function segmentsBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => SEGMENT.test(name.slice(name.lastIndexOf('/') + 1)))
    .sort()
}

/** The one that its owner may still append to: the newest of its own. */
export function unsealedIn(segments: readonly string[]): string | undefined {
  return segments.filter((name) => !name.includes('/')).at(-1)
}

export interface Silences {
  /** An owner on another boot, or without a socket: only silence says that it is gone. Default 10 min. */
  readonly foreignMs: number
  /** An owner on this boot whose socket file is gone: a worker thread that was ended, or a cleaner's work, which a beat mends. Default 2 min. */
  readonly absentMs: number
}

/**
 * `lives`: hands off. `dead`: its folder may be taken. `silent`: the owner is on another host and has not been heard of for long; it may be
 * stopped or cut off and go on one day, so that its folder stays where it is.
 */
export async function fateOf(
  folder: string,
  host: Host,
  now: number,
  silences: Silences,
): Promise<'lives' | 'dead' | 'silent'> {
  const owner = readOwnerFile(folder)
  const silentMs = now - Math.max(lastBeat(folder), ...newest(folder))
  if (owner?.boot === host.boot && owner.socket) {
    const answer = await askOwner(folder)
    if (answer === 'listens') return 'lives'
    return answer === 'refused' || owner.closed || silentMs > silences.absentMs ? 'dead' : 'lives'
  }
  if (silentMs <= (owner?.closed ? Math.min(CLOSED_MS, silences.foreignMs) : silences.foreignMs))
    return 'lives'
  // A name belongs to one machine at a time: an earlier boot of it is over.
  return owner?.closed || owner?.name === host.name ? 'dead' : 'silent'
}

/** What still runs at the end of a process that has closed its folder takes less. */
const CLOSED_MS = 10_000

function newest(folder: string): number[] {
  return segmentsBelow(folder).map((name) => {
    try {
      return statSync(join(folder, name)).mtimeMs
    } catch {
      return 0
    }
  })
}

/** Moves a dead instance's folder into ours: a rename has one winner. Returns the paths of its segments. */
export function takeFolder(from: string, into: string): string[] {
  renameSync(from, into)
  for (const name of readdirSync(into))
    if (!SEGMENT.test(name) && !INSTANCE.test(name)) rmSync(join(into, name), { force: true })
  const found = segmentsBelow(into)
  if (found.length === 0) rmSync(into, { recursive: true, force: true })
  return found.map((name) => join(into, name))
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}
