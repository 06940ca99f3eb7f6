import type { Instrument } from './business/instrument.js'
import type { Operation } from './operation.js'
import { type NoticeSink, sharedSlot } from './slot.js'

export { fromMinor } from './business/decimal.js'
export type { Instrument } from './business/instrument.js'
export { millisToNano, unixNano } from './clock.js'
export { type Correlation, correlationOf } from './correlation/id.js'
export { type MetadataAttributes, toAttributes } from './metadata.js'
export {
  type BusinessValue,
  type FailureInfo,
  Operation,
  type OperationNames,
  type Outcome,
} from './operation.js'
export { operationOf } from './operation-context.js'
export type { NoticeReason } from './slot.js'

/**
 * What an SDK plugs into this package. Every method is called on the caller's path: it returns at once, and what it throws is
 * caught and given back to `notice`.
 */
export interface Runtime extends NoticeSink {
  /** The SDK's name and version, for messages. */
  readonly name: string
  /** `service.name`: the service of an operation whose name has no dot. */
  readonly serviceName: string
  /** An operation began. */
  start(operation: Operation): void
  /** An operation ended: its row, its metrics, its span. Called once for each, before the caller sees the result. */
  end(operation: Operation): void
  /** A business measurement; `value` is in minor units for money, as measured for a counter. */
  measure(instrument: Instrument, value: number | bigint, labels: Record<string, string>): void
}

/** The shared slot: read `slot.runtime` at each use, an SDK may come later. */
export const slot = sharedSlot as { runtime: Runtime | undefined }

/**
 * Installs an SDK. Returns what uninstalls it again.
 * @throws if another SDK is installed already: two would count everything twice.
 */
export function installRuntime(runtime: Runtime): () => void {
  if (slot.runtime !== undefined) {
    throw new Error(
      `${slot.runtime.name} is installed already; ${runtime.name} was started a second time. Start one SDK a process.`,
    )
  }
  slot.runtime = runtime
  return () => {
    if (slot.runtime === runtime) slot.runtime = undefined
  }
}
