import type { Context, Span, SpanContext } from '@opentelemetry/api'
import type { Instrument } from './business/instrument.js'
import type { Operation } from './operation.js'
import type { SealedOperation } from './sealed-operation.js'
import { type NoticeSink, sharedSlot } from './slot.js'
import type { FailureLogger } from './track/types.js'

export { abandonOpen } from './abandoned.js'
export { fromMinor } from './business/decimal.js'
export type { Instrument } from './business/instrument.js'
export { millisToNano, unixNano } from './clock.js'
export { announceDestination, guardBoundary } from './correlation/boundary.js'
export { withBaggageKeys, withinBoundary } from './correlation/boundary-propagator.js'
export { hostOfOrigin, hostOfRequest, hostTest } from './correlation/hosts.js'
export { type Correlation, correlationOf } from './correlation/id.js'
export { DEFAULT_TRUST, peerTest, type Trust } from './correlation/trust.js'
export { describeFailure } from './failure.js'
export { newSpanId, newTraceId } from './ids.js'
export { type MetadataAttributes, toAttributes } from './metadata.js'
export {
  type BusinessValue,
  type FailureInfo,
  Operation,
  type OperationNames,
  type Outcome,
} from './operation.js'
export { operationOf } from './operation-context.js'
export type { SealedOperation } from './sealed-operation.js'
export type { NoticeReason } from './slot.js'
export type { FailureLogger } from './track/types.js'

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
   * The span of an operation that begins without a parent or below a sampled one; `outer` holds the parent, if there is one. One that does not
   * record was sampled out and still gives the operation its identity. Undefined, or no such method: the operation makes its IDs itself.
   */
  startSpan?(
    name: string,
    recorded: boolean,
    parent: SpanContext | undefined,
    outer: Context,
    startSteadyMs: number,
  ): Span | undefined
  /**
   * Present where the SDK's own context manager is in charge: enters a context, until what it answers is disposed of. `context.with` serves
   * everywhere, but stands on the stack with five frames, and a recursion comes a quarter as far.
   */
  enterContext?(inside: Context): { dispose(): void }
  /** An operation began. */
  start(operation: Operation): void
  /** An operation ended: its row, its metrics, its span. Called once for each, before the caller sees the result. */
  end(operation: Operation): void
  /** The record of an operation that has not ended, for the transaction that it goes into; `durationMs` is how long it has lasted. */
  seal?(operation: Operation, durationMs: number): SealedOperation
  /** It was a failure, and has ended: to be logged where the SDK was told to, or where `track` was. `false`: nowhere. */
  failed?(operation: Operation, logger: FailureLogger | false | undefined): void
  /** A business measurement; `value` is in minor units for money, as measured for a counter. */
  measure(instrument: Instrument, value: number | bigint, labels: Record<string, string>): void
  /** Sends what is buffered; true when all of it was acknowledged within the time. Asked for where a process is about to be frozen. */
  flush?(timeoutMs: number): Promise<boolean>
}

/** The shared slot: read `slot.runtime` at each use, an SDK may come later. */
export const slot = sharedSlot as { runtime: Runtime | undefined; early?: string }

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
  slot.early = ''
  return () => {
    if (slot.runtime === runtime) slot.runtime = undefined
  }
}
