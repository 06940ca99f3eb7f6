import { lstatSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import type { Server } from 'node:net'
import { join } from 'node:path'
import type { Notices } from '../notices.js'
import { claimFolder, ownerLives, SOCKET } from './owner.js'

/** Folders of instances bear a UUID; what begins with a dot is being made. */
const INSTANCE = /^[0-9a-f]{8}-[0-9a-f-]{27}$/

/**
 * Makes the folder of this instance, its owner's socket first: it gets its name only when it can be seen to be alive, so that nobody
 * adopts it in between.
 * @throws if the spool folder belongs to somebody else, or cannot be written.
 */
export async function claimOwnFolder(
  dir: string,
  instance: string,
): Promise<{ folder: string; owner: Server }> {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  checkOwner(dir)
  const unnamed = join(dir, `.${instance}`)
  mkdirSync(unnamed, { mode: 0o700 })
  const owner = await claimFolder(unnamed)
  const folder = join(dir, instance)
  renameSync(unnamed, folder)
  return { folder, owner }
}

/** The default lies in a folder that everybody may write: a spool that another user laid there is not ours to fill. */
function checkOwner(dir: string): void {
  const info = lstatSync(dir)
  const uid = process.getuid?.()
  if (!info.isDirectory()) throw new Error('it is no folder')
  if (uid !== undefined && info.uid !== uid)
    throw new Error(`it belongs to user ${info.uid}, this process is user ${uid}`)
}

/** Moves the folders of dead instances into `folder`; returns the paths of all segments in there, oldest first. */
export async function adoptDead(dir: string, folder: string, notices: Notices): Promise<string[]> {
  const paths: string[] = []
  for (const name of readdirSync(dir)) {
    const candidate = join(dir, name)
    if (!INSTANCE.test(name) || candidate === folder || !isFolder(candidate)) continue
    try {
      if (await ownerLives(candidate)) continue
      const adopted = join(folder, name)
      renameSync(candidate, adopted)
      rmSync(join(adopted, SOCKET), { force: true })
      const found = segmentsBelow(adopted)
      if (found.length === 0) rmSync(adopted, { recursive: true, force: true })
      paths.push(...found)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      // Gone in between: another instance was first.
      if (code !== 'ENOENT') notices.note('adoption_failed', `${candidate}: ${String(error)}`)
    }
  }
  return paths
}

/** An adopter may have died with folders it had adopted: they lie below. */
function segmentsBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /(^|\/)\d{8}\.seg$/.test(name))
    .sort()
    .map((name) => join(folder, name))
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}
