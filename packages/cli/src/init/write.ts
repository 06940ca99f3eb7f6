import {
  chmodSync,
  existsSync,
  mkdirSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { Change } from './change.js'

/** Old or new, never half: written beside its place and moved over it. Mode and, of a link, the target stay. */
export function writeWhole(path: string, text: string, mode?: number): void {
  const known = existsSync(path)
  const target = known ? realpathSync(path) : path
  const beside = `${target}.${process.pid}.new`
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(beside, text, { mode: 0o600 })
  try {
    chmodSync(beside, known ? statSync(target).mode : (mode ?? 0o666 & ~process.umask()))
    renameSync(beside, target)
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  }
}

export function writeChange(folder: string, { path, after, secret }: Change): void {
  const place = join(folder, path)
  if (after === null) rmSync(place, { force: true })
  else writeWhole(place, after, secret ? 0o600 : undefined)
}

/** Folders on the way to these files that are not there yet, outermost first. */
export function missingFolders(folder: string, paths: readonly string[]): string[] {
  const missing = new Set<string>()
  for (const path of paths) {
    const parts = path.split('/').slice(0, -1)
    for (const [index] of parts.entries()) {
      const parent = parts.slice(0, index + 1).join('/')
      if (!existsSync(join(folder, parent))) missing.add(parent)
    }
  }
  return [...missing]
}

/** Those that hold nothing any more; innermost first, whatever order they come in. */
export function removeEmpty(folder: string, folders: readonly string[]): void {
  for (const inside of [...folders].sort((a, b) => b.length - a.length)) {
    try {
      rmdirSync(join(folder, inside))
    } catch {
      // Gone, or somebody has put something in.
    }
  }
}
