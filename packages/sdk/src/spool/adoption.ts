import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Notices } from '../notices.js'
import { copySilent } from './copy.js'
import { fateOf, instanceFolders, removeUnnamed, type Silences, takeFolder } from './folders.js'
import { type Host, lastBeat } from './owner.js'
import { openSegment, type Segment } from './segment.js'

/**
 * Takes over what dead instances left in `dir`, into the folder of this one. A living owner is not robbed, whatever it is doing:
 *
 * lives    Somebody accepts on the socket of the folder, also for a process that is stopped or whose event loop is blocked.
 * dead     The socket refuses. The folder is renamed into ours; of several adopters one wins.
 * silent   The owner is on another host of a shared volume, whose socket cannot be asked from here, and has written nothing for 10 min, no
 *          heartbeat either. Its segments are copied; what it may still append to is never deleted.
 */
export async function adopt(options: {
  dir: string
  folder: string
  host: Host
  silences: Silences
  /** Bytes that copies may take. */
  room: number
  notices: Notices
}): Promise<Segment[]> {
  const { dir, folder, host, silences, notices } = options
  removeUnnamed(dir, silences.foreignMs)
  const paths: string[] = []
  for (const { instance, path } of instanceFolders(dir)) {
    if (path === folder) continue
    try {
      // Our own beat gives the time of the file system, whose clock may be another machine's.
      const fate = await fateOf(path, host, lastBeat(folder) || Date.now(), silences)
      if (fate === 'lives') continue
      const into = join(folder, instance)
      if (fate === 'dead' && !existsSync(into)) paths.push(...takeFolder(path, into))
      else {
        mkdirSync(into, { recursive: true, mode: 0o700 })
        paths.push(...(await copySilent(path, into, options.room, silences.foreignMs)))
      }
    } catch (error) {
      // Gone in between: another instance was first.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        notices.note('adoption_failed', `${path}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return paths.flatMap((path) => openAdopted(path, dir, notices) ?? [])
}

function openAdopted(path: string, dir: string, notices: Notices): Segment | undefined {
  try {
    const segment = openSegment(path, (bytes) =>
      notices.note('spool_damaged', `${bytes} bytes of ${path} cannot be read`),
    )
    if (typeof segment !== 'string') return segment
    // Cut in its header: its process died before a record was in it.
    if (segment === 'cut') rmSync(path)
    else {
      const aside = join(dir, `damaged-${Date.now()}-${basename(path)}`)
      renameSync(path, aside)
      notices.note('spool_damaged', `the header of ${path} cannot be read; kept as ${aside}`)
    }
  } catch (error) {
    notices.note('adoption_failed', `${path}: ${error instanceof Error ? error.message : String(error)}`)
  }
  return undefined
}
