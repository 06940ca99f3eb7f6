import { type ContextManager, context, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  type Instrument,
  installRuntime,
  type NoticeReason,
  type Operation,
  type Runtime,
} from '@throughline/core/runtime'

export interface Measurement {
  readonly instrument: Instrument
  readonly value: number | bigint
  readonly labels: Record<string, string>
}

/** An SDK that keeps what it is told. */
export interface RecordingRuntime extends Runtime {
  readonly started: Operation[]
  readonly ended: Operation[]
  readonly measured: Measurement[]
  readonly notices: { reason: NoticeReason; detail: string }[]
  count(reason: NoticeReason): number
  /** The operation that ended last. */
  last(): Operation
  uninstall(): void
}

export function installRecordingRuntime(overrides: Partial<Runtime> = {}): RecordingRuntime {
  const started: Operation[] = []
  const ended: Operation[] = []
  const measured: Measurement[] = []
  const notices: RecordingRuntime['notices'] = []
  const runtime: RecordingRuntime = {
    name: 'recording runtime',
    serviceName: 'tests',
    started,
    ended,
    measured,
    notices,
    start: (operation) => void started.push(operation),
    end: (operation) => void ended.push(operation),
    measure: (instrument, value, labels) => void measured.push({ instrument, value, labels }),
    notice: (reason, detail) => void notices.push({ reason, detail }),
    count: (reason) => notices.filter((one) => one.reason === reason).length,
    last() {
      const operation = ended.at(-1)
      if (operation === undefined) throw new Error('no operation has ended')
      return operation
    },
    uninstall: () => {},
    ...overrides,
  }
  runtime.uninstall = installRuntime(runtime)
  return runtime
}

/** Makes contexts follow calls and promises, as an SDK does. Returns what removes it. */
export function enableContexts(): () => void {
  const manager: ContextManager = new AsyncLocalStorageContextManager().enable()
  context.setGlobalContextManager(manager)
  return () => {
    context.disable()
    manager.disable()
    trace.disable()
    propagation.disable()
  }
}
