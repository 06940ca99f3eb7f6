import { execFile } from 'node:child_process'
import { mkdir, open, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A disk so small that it can be filled: memory of the machine, mounted. */
export interface SmallDisk {
  /** Fills it but for so many bytes. */
  fill(leave?: number): Promise<void>
  free(): Promise<void>
  unmount(): Promise<void>
}

/** Mounting needs Linux and root. Says why it cannot be done, if it cannot. */
export async function mountingFails(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'a small disk is mounted with tmpfs, which needs Linux'
  if (process.getuid?.() !== 0) return 'a small disk is mounted with tmpfs, which needs root'
  const trial = `/tmp/throughline-mount-${process.pid}`
  try {
    await (await mountDisk(trial, 1)).unmount()
    return undefined
  } catch (error) {
    return `no small disk can be mounted here (${String((error as { stderr?: string }).stderr ?? error).trim()})`
  } finally {
    await rm(trial, { recursive: true, force: true })
  }
}

export async function mountDisk(folder: string, mebibytes: number): Promise<SmallDisk> {
  await mkdir(folder, { recursive: true })
  await run('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=755`, 'tmpfs', folder])
  const ballast = join(folder, 'ballast')
  return {
    async fill(leave = 0) {
      const file = await open(ballast, 'w')
      const piece = Buffer.alloc(64 * 1_024)
      let size = 0
      try {
        for (;;) size += (await file.write(piece)).bytesWritten
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      } finally {
        await file.close()
      }
      if (leave > 0) await truncate(ballast, Math.max(0, size - leave))
    },
    free: () => rm(ballast, { force: true }),
    async unmount() {
      // Lazily: a process that was killed a moment ago may still hold a file.
      await run('umount', ['--lazy', folder])
    },
  }
}
