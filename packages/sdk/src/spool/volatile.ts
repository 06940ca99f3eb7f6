import { existsSync, statfsSync } from 'node:fs'

/** `f_type` of the file systems that end with a container or with the machine. */
const TYPES: Record<number, string> = {
  2035054128: 'overlay',
  16914836: 'tmpfs',
  2240043254: 'ramfs',
}

/**
 * What is wrong with the place of a spool, in words; undefined if nothing is. In a container the root file system (overlay) and memory (tmpfs)
 * end with it, and records that were not sent yet end with them.
 */
export function volatileSpool(dir: string, durability: 'process' | 'host'): string | undefined {
  const kind = fileSystemOf(dir)
  if (kind === undefined) return undefined
  if (inContainer()) return `${dir} lies on ${kind}, which ends with the container: mount a volume there`
  if (durability === 'host' && kind !== 'overlay')
    return `${dir} lies on ${kind}, which does not survive the machine: durability 'host' needs a disk`
  return undefined
}

function fileSystemOf(dir: string): string | undefined {
  try {
    // Widened to a signed number on some platforms.
    return TYPES[Number(statfsSync(dir).type) >>> 0]
  } catch {
    return undefined
  }
}

/** Docker and Podman leave a file, Kubernetes a variable. */
function inContainer(): boolean {
  return (
    process.env.KUBERNETES_SERVICE_HOST !== undefined ||
    existsSync('/.dockerenv') ||
    existsSync('/run/.containerenv')
  )
}
