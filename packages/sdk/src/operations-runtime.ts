import { SpanStatusCode } from '@opentelemetry/api'
import { millisToNano, type Operation, type Runtime } from '@throughline/core/runtime'
import { encodeOperation } from './encode-operation.js'
import type { BusinessMetrics } from './metrics/business.js'
import type { OperationMetrics } from './metrics/operations.js'
import type { Notices } from './notices.js'
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
}): Runtime {
  const { operations, business, spool, shipper, notices } = parts
  let seq = 0
  return {
    name: `@throughline/sdk ${VERSION}`,
    serviceName: parts.serviceName,
    start: (operation) => operations.started(operation),
    end(operation) {
      seq += 1
      operations.ended(operation)
      spool.append(encodeOperation(operation, seq, notices))
      shipper.wake()
      if (operation.span !== undefined) endSpan(operation)
    },
    measure: (instrument, value, labels) => business.measure(instrument, value, labels),
    notice: (reason, detail) => notices.note(reason, detail),
  }
}

/** For other processors, which see the SDK's span: the outcome in OpenTelemetry's own terms. */
function endSpan(operation: Operation): void {
  const span = operation.span!
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
