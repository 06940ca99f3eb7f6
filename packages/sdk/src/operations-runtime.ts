import { type Attributes, type Span, SpanStatusCode } from '@opentelemetry/api'
import { type FailureLogger, millisToNano, type Operation, type Runtime } from '@throughline/core/runtime'
import { encodeOperation, operationAttributes } from './encode-operation.js'
import { logFailure } from './failure-line.js'
import type { Sequence } from './lifecycle-records.js'
import type { BusinessMetrics } from './metrics/business.js'
import type { OperationMetrics } from './metrics/operations.js'
import type { Notices } from './notices.js'
import type { ContextEntry } from './otel/globals.js'
import type { HeadSampler } from './otel/head-sampler.js'
import { hrTime } from './otel/hr-time.js'
import { ownSpans, tracerSpans } from './otel/operation-spans.js'
import type { OwnSpan } from './otel/own-span.js'
import { sealedOperation } from './sealed-operation.js'
import type { Shipper } from './shipper.js'
import type { Spool } from './spool/spool.js'
import { VERSION } from './version.js'

/**
 * What core calls: the one end of every operation. The record is in the spool before `end` returns, and so before the caller can react
 * to the result.
 */
export function createOperationsRuntime(parts: {
  serviceName: string
  serviceVersion: string | undefined
  instance: string
  operations: OperationMetrics
  business: BusinessMetrics
  sequence: Sequence
  spool: Spool
  shipper: Shipper
  notices: Notices
  /** Whether processors that are not ours see the spans. */
  spansAreShared: boolean
  /** The head sampler, where operations may keep their spans themselves; else they are those of the tracer provider. */
  sample: HeadSampler | undefined
  /** The context manager, where it is our own. */
  contexts?: ContextEntry | undefined
  /** Takes the span of an operation without a row, where operations keep their spans themselves. */
  exportSpan?(operation: Operation, span: OwnSpan): void
  /** Gets one line for each failed operation whose `track` has no logger of its own. */
  logger: FailureLogger | undefined
  flush(timeoutMs: number): Promise<boolean>
}): Runtime {
  const { operations, business, sequence, spool, shipper, notices, logger, contexts } = parts
  return {
    name: `@throughline/sdk ${VERSION}`,
    serviceName: parts.serviceName,
    startSpan: parts.sample === undefined ? tracerSpans() : ownSpans(parts.sample),
    ...(contexts === undefined ? {} : { enterContext: (inside) => contexts.attach(inside) }),
    start: (operation) => operations.started(operation),
    end(operation) {
      const keep = operations.ended(operation)
      if (operation.recorded) {
        const seq = sequence.next()
        spool.append(encodeOperation(operation, seq, notices, keep), seq)
        shipper.wake()
      }
      if (operation.span !== undefined) finishSpan(operation.span, operation)
    },
    failed(operation, own = logger) {
      if (own !== undefined && own !== false) logFailure(own, operation, notices)
    },
    seal: (operation, durationMs) => sealedOperation(operation, parts, durationMs),
    measure: (instrument, value, labels) => business.measure(instrument, value, labels),
    notice: (reason, detail) => notices.note(reason, detail),
    flush: (timeoutMs) => parts.flush(timeoutMs),
  }

  function finishSpan(span: Span, operation: Operation): void {
    // Kept by the operation: all it has to do is take nothing more, and the picture of a record goes with the record.
    if (parts.sample !== undefined) {
      span.end()
      if (!operation.recorded) parts.exportSpan?.(operation, span as OwnSpan)
      return
    }
    // Another exporter may bring the same span to the same recorder, and the first of the two becomes the row: so both say the same.
    if (parts.spansAreShared || !operation.recorded)
      describe(span, operation, operation.recorded ? sequence.last : undefined, notices)
    endSpan(span, operation)
  }
}

function describe(span: Span, operation: Operation, seq: number | undefined, notices: Notices): void {
  span.setAttributes(operationAttributes(operation, seq, notices) as Attributes)
  const { failure } = operation
  if (failure === undefined) return
  span.addEvent('exception', {
    'exception.type': failure.type,
    'exception.message': failure.message,
    ...(failure.stack === undefined ? {} : { 'exception.stacktrace': failure.stack }),
  })
}

/** For other processors, which see the SDK's span: the outcome in OpenTelemetry's own terms. */
function endSpan(span: Span, operation: Operation): void {
  const { failure } = operation
  if (operation.outcome !== 'success') {
    span.setStatus(
      failure === undefined
        ? { code: SpanStatusCode.ERROR }
        : { code: SpanStatusCode.ERROR, message: failure.message },
    )
    if (failure !== undefined) span.setAttribute('error.type', failure.type)
  }
  span.end(hrTime(operation.startUnixNano + millisToNano(operation.durationMs)))
}
