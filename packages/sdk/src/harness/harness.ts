import { installRuntime, type NoticeReason, type Operation, slot } from '@throughline/core/runtime'
import { SdkError } from '../errors.js'
import { ensureContextManager } from '../otel/globals.js'
import { tracerSpans } from '../otel/operation-spans.js'
import { sealedOperation } from '../sealed-operation.js'
import { type RecordedOperation, recorded } from './recorded.js'

export interface HarnessOptions {
  /** The service of operations whose name has no dot. Default `test`. */
  serviceName?: string
}

/** An SDK that keeps in memory what it is told, for the tests of an application. */
export interface TestThroughline {
  /** Those that ended, in the order of their ends. */
  readonly operations: readonly RecordedOperation[]
  /** What was refused, cut or replaced, and why. */
  readonly notices: readonly { readonly reason: NoticeReason; readonly detail: string }[]
  /**
   * Resolves when every operation that began has ended, those that begin meanwhile too.
   * Rejects after `timeoutMs` (default 5,000), naming those that are still open.
   */
  settled(timeoutMs?: number): Promise<void>
  /** Forgets what was recorded so far. */
  clear(): void
  /** Takes itself out again: operations are recorded no more. */
  close(): void
  [Symbol.dispose](): void
}

/**
 * Records the operations of this process in memory, without a Collector, a spool, a timer or a network.
 * @throws SdkError `TL_ALREADY_STARTED` while an SDK runs, or another harness that was not closed.
 */
export function testThroughline(options: HarnessOptions = {}): TestThroughline {
  const { serviceName = 'test' } = options
  if (slot.runtime !== undefined)
    throw new SdkError(
      'TL_ALREADY_STARTED',
      `${slot.runtime.name} runs already: close() it before the next test begins one`,
    )
  const operations: RecordedOperation[] = []
  const notices: { reason: NoticeReason; detail: string }[] = []
  const open = new Set<Operation>()
  let waiting: (() => void)[] = []

  const disable = ensureContextManager()
  const uninstall = installRuntime({
    name: 'testThroughline',
    serviceName,
    startSpan: tracerSpans(),
    start: (operation) => void open.add(operation),
    end(operation) {
      open.delete(operation)
      operations.push(recorded(operation, serviceName))
      if (open.size > 0) return
      const told = waiting
      waiting = []
      for (const tell of told) tell()
    },
    seal: (operation, durationMs) =>
      sealedOperation(operation, { serviceName, serviceVersion: undefined, instance: undefined }, durationMs),
    measure() {},
    notice: (reason, detail) => void notices.push({ reason, detail }),
    flush: () => Promise.resolve(true),
  })

  async function settled(timeoutMs = 5_000): Promise<void> {
    const deadline = performance.now() + timeoutMs
    // Two turns of the event loop without an open operation: what was started and not awaited has begun by then.
    for (let quiet = 0; quiet < 2; ) {
      await new Promise((resolve) => setImmediate(resolve))
      if (open.size === 0) {
        quiet += 1
        continue
      }
      quiet = 0
      await nextQuiet(deadline - performance.now())
      if (open.size === 0 || performance.now() < deadline) continue
      const names = [...open].map(({ names: { spanName } }) => spanName)
      throw new Error(`not settled after ${timeoutMs} ms, still open: ${names.slice(0, 10).join(', ')}`)
    }
  }

  function nextQuiet(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(finish, Math.max(0, withinMs))
      function finish(): void {
        clearTimeout(timer)
        waiting = waiting.filter((one) => one !== finish)
        resolve()
      }
      waiting.push(finish)
    })
  }

  function close(): void {
    uninstall()
    disable()
  }

  return {
    operations,
    notices,
    settled,
    clear() {
      operations.length = 0
      notices.length = 0
    },
    close,
    [Symbol.dispose]: close,
  }
}
