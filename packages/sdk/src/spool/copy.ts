import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { copyFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { segmentsBelow, unsealedIn } from './folders.js'

/** What was copied and how large it was then: nobody copies it a second time. */
const COPIED = 'copied.json'
/** Held by the one who copies. */
const LOCK = 'copying'

/**
 * Copies the segments of a silent owner into a folder of ours, so that they are sent. What the owner could still append to stays where it is;
 * sealed segments go once they are copied, and with the last of them the folder. Should the owner go on, all that can happen is that a
 * record is sent twice. Returns the paths of the copies.
 * @param room bytes that may be copied
 */
export async function copySilent(
  from: string,
  into: string,
  room: number,
  lockMs: number,
): Promise<string[]> {
  if (!lock(from, lockMs)) return []
  try {
    const names = segmentsBelow(from)
    const unsealed = unsealedIn(names)
    const copied = readCopied(from)
    const paths: string[] = []
    let left = room
    for (const name of names) {
      const { size } = statSync(join(from, name))
      if (copied[name] === size) continue
      left -= size
      if (left < 0) break
      paths.push(await copyOne(from, into, name, size))
      copied[name] = size
      writeFileSync(join(from, COPIED), JSON.stringify(copied), { mode: 0o600 })
      if (name !== unsealed) rmSync(join(from, name))
    }
    return paths
  } finally {
    rmSync(join(from, LOCK), { force: true })
  }
}

async function copyOne(from: string, into: string, name: string, size: number): Promise<string> {
  const path = join(into, name.replace(/\.seg$/, `-${size}.seg`))
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  // Its name comes last: half a copy is no segment.
  await copyFile(join(from, name), `${path}.part`)
  await rename(`${path}.part`, path)
  return path
}

function readCopied(folder: string): Record<string, number> {
  if (!readdirSync(folder).includes(COPIED)) return {}
  try {
    return JSON.parse(readFileSync(join(folder, COPIED), 'utf8')) as Record<string, number>
  } catch {
    // Cut: everything is copied again, and the rows' key absorbs it.
    return {}
  }
}

/** Several hosts may find the same silent folder. One that died while it copied is not waited for longer than `lockMs`. */
function lock(folder: string, lockMs: number): boolean {
  const path = join(folder, LOCK)
  try {
    closeSync(openSync(path, 'wx', 0o600))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    if (Date.now() - statSync(path).mtimeMs > lockMs) rmSync(path, { force: true })
    return false
  }
}
