import { statfs } from 'node:fs/promises'
import { freemem, totalmem } from 'node:os'
import { PATHS, readLimits } from './cgroup.js'
import { cpuShare, most, share } from './cpu.js'

/** Shares in use, 0 to 1; what cannot be known is absent. */
export interface HostUse {
  cpu?: number
  memory?: number
  disk?: number
}

/** Reads how much of the host is in use. Never rejects; a few small files and one look at the disk each time. */
export function hostReader(diskPath: string, paths = PATHS): () => Promise<HostUse> {
  const cpuOf = cpuShare()
  return async () => {
    const [limits, disk] = await Promise.all([readLimits(paths), diskShare(diskPath)])
    const own = limits.memory === undefined ? undefined : share(limits.memory.used, limits.memory.limit)
    // On Linux `freemem` is what the kernel can give without swapping, its caches included.
    const total = totalmem()
    return known({
      cpu: cpuOf(limits),
      memory: most(share(total - freemem(), total), own),
      disk,
    })
  }
}

/** As `df` has it: what is kept for root counts neither as used nor as free. */
async function diskShare(path: string): Promise<number | undefined> {
  const disk = await statfs(path).catch(() => undefined)
  if (disk === undefined) return undefined
  const used = disk.blocks - disk.bfree
  return share(used, used + disk.bavail)
}

function known(values: { [Key in keyof HostUse]: number | undefined }): HostUse {
  const result: HostUse = {}
  for (const key of ['cpu', 'memory', 'disk'] as const) {
    const value = values[key]
    if (value !== undefined) result[key] = Math.round(value * 10_000) / 10_000
  }
  return result
}
