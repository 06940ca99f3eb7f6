import { statfs } from 'node:fs/promises'

/** Below the first a disk is as good as full (eight segments of a spool); below the second it is not for an outage of any length. */
export const leastFree = 64 * 2 ** 20
export const comfortable = 2 ** 30

/** Bytes that a user without privileges may still write; undefined for a folder that is not there or not ours to see. */
export async function freeBytes(folder: string): Promise<number | undefined> {
  const found = await statfs(folder).catch(() => undefined)
  return found && found.bavail * found.bsize
}

/** `58.1 GB`. */
export function bytesText(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3))
  const value = count / 1_000 ** power
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`
}
