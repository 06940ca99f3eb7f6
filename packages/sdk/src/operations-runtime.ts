import { type Attributes, type Span, SpanStatusCode } from '@opentelemetry/api'
import { millisToNano, type Operation, OwnSpan, type Runtime } from '@throughline/core/runtime'
import { encodeOperation, operationAttributes } from './encode-operation.js'
import { logFailure } from './failure-line.js'
import type { BusinessMetrics } from './metrics/business.js'
import type { OperationMetrics } from './metrics/operations.js'
import type { Notices } from './notices.js'
import type { FailureLogger } from './policies.js'
import type { Shipper } from './shipper.js'
import type { Spool } from './spool/spool.js'
import { VERSION } from './version.js'

/**
 * What core calls: the one end of every operation. The record is in the spool before `end` returns, and so before the caller can react
 * to the result.
 */
export function createOperationsRuntime(parts: {
  serviceName: string
  operations: OperationMetrics
  business: BusinessMetrics
  spool: Spool
  shipper: Shipper
  notices: Notices
  /** Whether processors that are not ours see the spans. */
  spansAreShared: boolean
  /** The head sampler, where operations may keep their spans themselves. */
  sample: Runtime['sample']
  /** Gets one line for each failed operation. */
  logger: FailureLogger | undefined
  flush(timeoutMs: number): Promise<boolean>
}): Runtime {
  const { operations, business, spool, shipper, notices, logger } = parts
  let seq = 0
  return {
    name: `@throughline/sdk ${VERSION}`,
    serviceName: parts.serviceName,
    ...(parts.sample === undefined ? {} : { sample: parts.sample }),
    start: (operation) => operations.started(operation),
    end(operation) {
      const keep = operations.ended(operation)
      if (operation.recorded) {
        seq += 1
        spool.append(encodeOperation(operation, seq, notices, keep))
        shipper.wake()
      }
      if (operation.span !== undefined) finishSpan(operation.span, operation)
      if (logger !== undefined && operation.outcome === 'failure') logFailure(logger, operation, notices)
    },
    measure: (instrument, value, labels) => business.measure(instrument, value, labels),
    notice: (reason, detail) => notices.note(reason, detail),
    flush: (timeoutMs) => parts.flush(timeoutMs),
  }

  function finishSpan(span: Span, operation: Operation): void {
    // Nobody else looks at it: all it has to do is take nothing more.
    if (span instanceof OwnSpan) {
      span.end()
      return
    }
    // Another exporter may bring the same span to the same recorder, and the first of the two becomes the row: so both say the same.
    if (parts.spansAreShared || !operation.recorded)
      describe(span, operation, operation.recorded ? seq : undefined, notices)
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
  const end = operation.startUnixNano + millisToNano(operation.durationMs)
  span.end([Number(end / 1_000_000_000n), Number(end % 1_000_000_000n)])
}
