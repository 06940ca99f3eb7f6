import type { Context } from '@opentelemetry/api'
import type { Instrument } from './business/instrument.js'
import type { Operation } from './operation.js'
import { type NoticeSink, sharedSlot } from './slot.js'

export { abandonOpen } from './abandoned.js'
export { fromMinor } from './business/decimal.js'
export type { Instrument } from './business/instrument.js'
export { millisToNano, unixNano } from './clock.js'
export { announceDestination, guardBoundary } from './correlation/boundary.js'
export { withBaggageKeys, withinBoundary } from './correlation/boundary-propagator.js'
export { hostOfOrigin, hostOfRequest, hostTest } from './correlation/hosts.js'
export { type Correlation, correlationOf } from './correlation/id.js'
export { DEFAULT_TRUST, peerTest, type Trust } from './correlation/trust.js'
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
export { OwnSpan } from './track/own-span.js'

/**
 * What an SDK plugs into this package. Every method is called on the caller's path: it returns at once, and what it throws is
 * caught and given back to `notice`.
 */
export interface Runtime extends NoticeSink {
  /** The SDK's name and version, for messages. */
  readonly name: string
  /** `service.name`: the service of an operation whose name has no dot. */
  readonly serviceName: string
  /**
   * Present when no span processor but the SDK's own would see the span of an operation: operations then keep their spans themselves,
   * at a third of the cost, and ask here for the head sampler's decision. `outer` holds the parent, if there is one.
   */
  sample?(traceId: string, spanName: string, outer: Context): boolean
  /** An operation began. */
  start(operation: Operation): void
  /** An operation ended: its row, its metrics, its span. Called once for each, before the caller sees the result. */
  end(operation: Operation): void
  /** A business measurement; `value` is in minor units for money, as measured for a counter. */
  measure(instrument: Instrument, value: number | bigint, labels: Record<string, string>): void
  /** Sends what is buffered; true when all of it was acknowledged within the time. Asked for where a process is about to be frozen. */
  flush?(timeoutMs: number): Promise<boolean>
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
