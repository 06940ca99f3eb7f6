export type LogLine = {
  time: string
  level: 'error'
  kind: string
  message: string
  /** Faults of the same kind since the last line, which had none of their own. */
  suppressed: number
}

export type FaultLog = (kind: string, message: string) => void

/** One line per kind in five seconds, so that a database that is away does not fill a disk. */
export const createFaultLog = (write: (line: LogLine) => void, intervalMs = 5_000): FaultLog => {
  const kinds = new Map<string, { nextMs: number; suppressed: number }>()
  return (kind, message) => {
    const now = Date.now()
    const state = kinds.get(kind) ?? { nextMs: 0, suppressed: 0 }
    kinds.set(kind, state)
    if (now < state.nextMs) {
      state.suppressed += 1
      return
    }
    write({
      time: new Date(now).toISOString(),
      level: 'error',
      kind,
      message,
      suppressed: state.suppressed,
    })
    state.nextMs = now + intervalMs
    state.suppressed = 0
  }
}
