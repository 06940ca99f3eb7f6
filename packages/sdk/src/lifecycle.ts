/** Brings out what is buffered when the process ends by itself or by a signal, in bounded time. */
export interface Lifecycle {
  /** Why the process ends, as far as it is known now; undefined if nothing says that it does. */
  reason(): string | undefined
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
  /** Nothing of the application will run any more. */
  onEmpty(): void
  /** The process is gone when this returns. */
  onExit(): void
}): Lifecycle {
  const { flush, shutdown, onEmpty, onExit } = steps
  let flushed = false
  let ending = false
  let reason: string | undefined

  function onBeforeExit(): void {
    if (flushed) return
    flushed = true
    onEmpty()
    void flush()
  }

  const onSignal = (signal: NodeJS.Signals): void => {
    reason = `signal:${signal}`
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

  /** Sees it without handling it. If the application does handle it and goes on, it was not the end. */
  function onUncaught(): void {
    const before = reason
    reason = 'uncaught'
    setImmediate(() => {
      reason = before
    }).unref()
  }

  function release(): void {
    process.off('beforeExit', onBeforeExit)
    process.off('exit', onExit)
    process.off('uncaughtExceptionMonitor', onUncaught)
    for (const signal of SIGNALS) process.off(signal, onSignal)
  }

  process.on('beforeExit', onBeforeExit)
  process.on('exit', onExit)
  process.on('uncaughtExceptionMonitor', onUncaught)
  for (const signal of SIGNALS) process.on(signal, onSignal)
  return { reason: () => reason, release }
}
