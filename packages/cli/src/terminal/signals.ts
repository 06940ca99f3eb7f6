/** npm hands a Ctrl-C on to its child, which had it from the terminal already: two signals a moment apart are one wish. */
const SAME_WISH_MS = 1_500

/** Calls `stop` once, at the first SIGINT or SIGTERM. Whoever asks again later does not want to wait: the process ends at once. */
export function untilSignal(stop: (signal: NodeJS.Signals) => void): void {
  let askedAt: number | undefined
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (askedAt === undefined) {
        askedAt = performance.now()
        stop(signal)
      } else if (performance.now() - askedAt > SAME_WISH_MS) process.exit(130)
    })
  }
}
