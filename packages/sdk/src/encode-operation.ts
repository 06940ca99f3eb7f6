import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { millisToNano, type Operation, toAttributes } from '@throughline/core/runtime'
import { type Attributes, encodeSpan, type Span } from '@throughline/otlp'
import type { Notices } from './notices.js'

const KIND_INTERNAL = 1
const OK = 1
const ERROR = 2
const SAMPLED = 1
/** The bit that says "whether the parent is remote is known": with it, an unsampled flag means unsampled and not "unknown". */
const PARENT_KNOWN = 0x100
/** What user code hangs on a span has no limit in OpenTelemetry; a record has: one request of the shipper holds it. */
const MAX_RECORD_BYTES = 2 ** 20

/**
 * The record of an operation: one OTLP Span, as docs/reference/record.md has it. A failed operation is marked as sampled whatever the
 * head sampler said, so that its picture reaches Jaeger.
 */
export function encodeOperation(operation: Operation, seq: number, notices: Notices): Uint8Array {
  const whole = encode(operation, seq, notices, writtenByOthers(operation))
  if (whole.byteLength <= MAX_RECORD_BYTES) return whole
  notices.note('metadata_cut', `attributes and events of the span of ${operation.names.spanName}`)
  return encode(operation, seq, notices, undefined)
}

function encode(
  operation: Operation,
  seq: number,
  notices: Notices,
  written: ReadableSpan | undefined,
): Uint8Array {
  const end = operation.startUnixNano + millisToNano(operation.durationMs)
  const failed = operation.outcome !== 'success'
  const span: Span = {
    traceId: operation.traceId,
    spanId: operation.spanId,
    parentSpanId: operation.parentSpanId,
    traceState: operation.traceState,
    flags: PARENT_KNOWN | (failed ? operation.traceFlags | SAMPLED : operation.traceFlags),
    name: operation.names.spanName,
    kind: KIND_INTERNAL,
    startTimeUnixNano: operation.startUnixNano,
    endTimeUnixNano: end,
    attributes: attributes(operation, seq, written?.attributes as Attributes | undefined, notices),
    events: [...(written === undefined ? [] : events(written)), ...exception(operation, end)],
    status: failed ? { code: ERROR, message: operation.failure?.message } : { code: OK },
  }
  return encodeSpan(span)
}

/** Attributes and events that user code put on the active span through the OpenTelemetry API. */
function writtenByOthers(operation: Operation): ReadableSpan | undefined {
  return operation.span as unknown as ReadableSpan | undefined
}

function attributes(
  operation: Operation,
  seq: number,
  others: Attributes | undefined,
  notices: Notices,
): Attributes {
  const result: Attributes = { ...others }
  result['correlation.id'] = operation.correlationId
  if (operation.names.service !== undefined) result['operation.service'] = operation.names.service
  result['operation.name'] = operation.names.operation
  result.outcome = operation.outcome
  if (operation.userId !== undefined) result['user.id'] = operation.userId
  if (operation.failure !== undefined) result['error.type'] = operation.failure.type
  if (operation.metadata !== undefined) {
    const { scalars, nested, cut } = toAttributes(operation.metadata)
    for (const key of Object.keys(scalars)) result[`metadata.${key}`] = scalars[key]!
    if (nested !== undefined) result.metadata = nested
    if (cut) notices.note('metadata_cut', operation.names.spanName)
  }
  if (operation.business !== undefined) result['throughline.business'] = JSON.stringify(operation.business)
  result['throughline.seq'] = seq
  return result
}

function events(span: ReadableSpan): NonNullable<Span['events']> {
  return span.events.map((event) => ({
    name: event.name,
    timeUnixNano: BigInt(event.time[0]) * 1_000_000_000n + BigInt(event.time[1]),
    attributes: (event.attributes ?? {}) as Attributes,
  }))
}

function exception(operation: Operation, at: bigint): NonNullable<Span['events']> {
  const { failure } = operation
  if (failure === undefined) return []
  const attributes: Attributes = { 'exception.type': failure.type, 'exception.message': failure.message }
  if (failure.stack !== undefined) attributes['exception.stacktrace'] = failure.stack
  return [{ name: 'exception', timeUnixNano: at, attributes }]
}
