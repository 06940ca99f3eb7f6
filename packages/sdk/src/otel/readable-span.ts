import { type Attributes, type SpanContext, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { millisToNano, type Operation } from '@throughline/core/runtime'
import { operationAttributes } from '../encode-operation.js'
import type { Notices } from '../notices.js'
import { hrTime } from './hr-time.js'
import { UNRECORDED_SCOPE } from './operation-spans.js'
import type { OwnSpan } from './own-span.js'

const SCOPE = { name: UNRECORDED_SCOPE }

type TimedEvent = ReadableSpan['events'][number]

/**
 * The span that an operation without a row kept itself, as OpenTelemetry's own processors take one: a snapshot, since its exporter reads it
 * later.
 */
export function readableSpan(
  operation: Operation,
  span: OwnSpan,
  resource: Resource,
  notices: Notices,
): ReadableSpan {
  const start = operation.startUnixNano
  const duration = millisToNano(operation.durationMs)
  const endTime = hrTime(start + duration)
  const attributes = operationAttributes(operation, undefined, notices) as Attributes
  return {
    name: operation.names.spanName,
    kind: SpanKind.INTERNAL,
    spanContext: () => span.spanContext(),
    ...(operation.parentSpanId === undefined ? {} : { parentSpanContext: parentOf(operation) }),
    startTime: hrTime(start),
    endTime,
    status: statusOf(operation),
    attributes: span.attributes === undefined ? attributes : { ...span.attributes, ...attributes },
    links: span.links ?? [],
    events: eventsOf(operation, span, endTime),
    duration: hrTime(duration),
    ended: true,
    resource,
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
}

function parentOf({ traceId, parentSpanId }: Operation): SpanContext {
  return { traceId, spanId: parentSpanId ?? '', traceFlags: TraceFlags.SAMPLED }
}

function statusOf({ outcome, failure }: Operation): ReadableSpan['status'] {
  if (outcome === 'success') return { code: SpanStatusCode.UNSET }
  return failure === undefined
    ? { code: SpanStatusCode.ERROR }
    : { code: SpanStatusCode.ERROR, message: failure.message }
}

function eventsOf({ failure }: Operation, span: OwnSpan, at: TimedEvent['time']): TimedEvent[] {
  const written: TimedEvent[] = span.events ?? []
  if (failure === undefined) return written
  const attributes: Attributes = { 'exception.type': failure.type, 'exception.message': failure.message }
  if (failure.stack !== undefined) attributes['exception.stacktrace'] = failure.stack
  return [...written, { name: 'exception', time: at, attributes }]
}
