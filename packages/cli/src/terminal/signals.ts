/**
 * Calls `stop` once, at the first SIGINT or SIGTERM. A second one ends the process at once: whoever asks twice does not want to wait.
 */
export function untilSignal(stop: (signal: NodeJS.Signals) => void): void {
  let asked = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (asked) process.exit(130)
      asked = true
      stop(signal)
    })
  }
}
