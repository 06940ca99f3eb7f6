import { close, fsync, open } from 'node:fs'
import type { Segment } from './segment.js'

/**
 * Group fdatasync: one is under way at a time, in the thread pool; what is appended meanwhile waits for the next one, all of it together.
 * So a power cut takes at most what came in during two of them, and an append costs nothing but a look.
 */
export interface DiskSync {
  /** Something was appended. */
  dirty(segment: Segment): void
  /** A file was made in this folder: its name shall be on the disk as well. */
  named(folder: string): void
  /** Resolves when all that was appended before is on the disk, or could not be brought there. */
  settled(): Promise<void>
}

export function createDiskSync(onError: (error: Error) => void): DiskSync {
  let waiting: Segment | undefined
  let running: Promise<void> | undefined

  function run(segment: Segment): Promise<void> {
    return new Promise((resolve) => {
      segment.sync((error) => {
        if (error !== null && !segment.closed) onError(error)
        const next = waiting
        waiting = undefined
        running = next === undefined ? undefined : run(next)
        resolve(running)
      })
    })
  }

  return {
    dirty(segment) {
      if (running === undefined) running = run(segment)
      else if (waiting === undefined || waiting === segment) waiting = segment
      else {
        // A segment was sealed in between: it must not be passed over.
        const sealed = waiting
        waiting = segment
        sealed.sync((error) => {
          if (error !== null && !sealed.closed) onError(error)
        })
      }
    },
    named(folder) {
      open(folder, 'r', (failed, fd) => {
        if (failed !== null) return onError(failed)
        fsync(fd, (error) => {
          if (error !== null) onError(error)
          close(fd)
        })
      })
    },
    settled: () => running ?? Promise.resolve(),
  }
}
