import { readFileSync } from 'node:fs'

/** Resident memory that a part may take, in MiB: what it needs at rest, and the queues that its options bound. */
export const BOUNDS = { service: 400, recorder: 400, collector: 700 } as const

type Kind = keyof typeof BOUNDS

export interface MemoryWatch {
  add(name: string, pid: () => number | undefined, kind: Kind): void
  /** Most that was seen since the last call, in MiB. */
  takePeaks(): Record<Kind, number>
  stop(): void
}

/** Looks at the memory of processes four times a second; where there is no `/proc` all is 0. */
export function watchMemory(): MemoryWatch {
  const watched = new Map<string, { pid: () => number | undefined; kind: Kind }>()
  let peaks = { service: 0, recorder: 0, collector: 0 }
  const timer = setInterval(look, 250)

  function look(): void {
    for (const { pid, kind } of watched.values()) {
      const of = pid()
      if (of !== undefined) peaks[kind] = Math.max(peaks[kind], residentMiB(of))
    }
  }

  return {
    add: (name, pid, kind) => void watched.set(name, { pid, kind }),
    takePeaks() {
      look()
      const taken = peaks
      peaks = { service: 0, recorder: 0, collector: 0 }
      return taken
    },
    stop: () => clearInterval(timer),
  }
}

function residentMiB(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1_024)
  } catch {
    return 0
  }
}
