import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Notices } from '../notices.js'
import { createSegment, openSegment, type Segment } from './segment.js'

/** Files in the spool folder that no instance adopts: refused records, and what could not be read. */
export const SET_ASIDE = /^(quarantine|damaged)-.*\.seg$/

export interface Quarantine {
  /** Keeps a record that no receiver will take, in `quarantine-<instance>.seg`, for a person to look at. */
  keep(from: Segment, payload: Uint8Array, seq: number): void
  close(): void
}

/** @param maxBytes of all files of this kind together: a receiver that refuses everything must not fill the disk. */
export function openQuarantine(dir: string, maxBytes: number, notices: Notices): Quarantine {
  const files = new Map<string, Segment>()
  let bytes: number | undefined

  function fileOf(from: Segment): Segment {
    const known = files.get(from.instance)
    if (known !== undefined) return known
    const path = join(dir, `quarantine-${from.instance}.seg`)
    // A predecessor that had adopted the same instance may have begun it.
    const found = existsSync(path)
      ? openSegment(path, () => {})
      : createSegment(path, from.instance, from.resource)
    if (typeof found === 'string') throw new Error(`${path} is ${found}`)
    files.set(from.instance, found)
    return found
  }

  return {
    keep(from, payload, seq) {
      const path = join(dir, `quarantine-${from.instance}.seg`)
      notices.note('record_quarantined', `kept in ${path}: throughline spool inspect ${dir}`)
      try {
        bytes ??= bytesIn(dir)
        if (bytes + payload.byteLength > maxBytes) {
          notices.note('record_refused', `the quarantine in ${dir} has reached ${maxBytes} bytes`)
          return
        }
        const file = fileOf(from)
        const before = file.size
        file.append(payload, seq)
        bytes += file.size - before
      } catch (error) {
        notices.note(
          'spool_write_failed',
          `quarantine: ${error instanceof Error ? error.message : String(error)}`,
        )
      }
    },
    close() {
      for (const file of files.values()) file.close()
    },
  }
}

function bytesIn(dir: string): number {
  return readdirSync(dir)
    .filter((name) => SET_ASIDE.test(name))
    .reduce((sum, name) => sum + statSync(join(dir, name)).size, 0)
}
