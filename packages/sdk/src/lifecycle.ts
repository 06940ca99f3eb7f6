/** Brings out what is buffered when the process ends by itself or by a signal, in bounded time. */
export interface Lifecycle {
  /** Removes every listener this put up. */
  release(): void
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/**
 * `beforeExit`: the event loop is empty; flush keeps it alive for as long as it needs, once.
 * `exit`: nothing can be waited for any more (`process.exit`, a crash); what is written at once is written.
 * A signal: shut down, then let the signal do what it would have done. If the application listens too, ending is its business and ours
 * is only to flush; if not, the signal is raised again without us, so the exit code stays what the system makes of it.
 */
export function watchLifecycle(steps: {
  flush(): Promise<unknown>
  shutdown(): Promise<unknown>
  /** Nothing of the application will run any more: called before the last flush, and at the exit. */
  onEmpty(): void
}): Lifecycle {
  const { flush, shutdown, onEmpty } = steps
  let flushed = false
  let ending = false

  function onBeforeExit(): void {
    if (flushed) return
    flushed = true
    onEmpty()
    void flush()
  }

  const onSignal = (signal: NodeJS.Signals): void => {
    // Ctrl-C reaches a process twice when its parent (npm, for one) passes it on.
    if (ending) return
    const alone = process.listenerCount(signal) === 1
    if (!alone) {
      void flush()
      return
    }
    ending = true
    void shutdown().finally(() => {
      release()
      process.kill(process.pid, signal)
    })
  }

  function release(): void {
    process.off('beforeExit', onBeforeExit)
    process.off('exit', onEmpty)
    for (const signal of SIGNALS) process.off(signal, onSignal)
  }

  process.on('beforeExit', onBeforeExit)
  process.on('exit', onEmpty)
  for (const signal of SIGNALS) process.on(signal, onSignal)
  return { release }
}
