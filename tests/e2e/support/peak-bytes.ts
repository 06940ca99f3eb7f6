import { existsSync, readFileSync } from 'node:fs'

/** The most memory that the process has had. */
export function peakBytes(pid: number): number {
  const status = `/proc/${pid}/status`
  if (!existsSync(status)) return 0
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(status, 'utf8'))?.[1]) * 1_024
}
