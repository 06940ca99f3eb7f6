import { SPAN_ATTRIBUTES, writeAttributes, writeScope } from './encode-values.js'
import type { Scope, Span, SpanEvent, SpanLink } from './types.js'
import { encodeWith, putVarint, varintBytes, type Writer } from './writer.js'

/**
 * Bytes of one `opentelemetry.proto.trace.v1.Span` message, independent of any later call.
 * @throws OtlpError `TL_OTLP_ID` for an ID that is not 32 (trace) or 16 (span) hexadecimal digits; nothing else
 */
export function encodeSpan(span: Span): Uint8Array {
  return encodeWith(writeSpan, span)
}

/**
 * Bytes of one `ExportTraceServiceRequest` with one resource and one scope, put together from parts that
 * `encodeResource` and `encodeSpan` (or a spool that kept their bytes) gave. The parts are not looked into.
 */
export function encodeTraces(request: {
  resource: Uint8Array
  scope: Scope
  spans: readonly Uint8Array[]
}): Uint8Array {
  const scope = encodeWith(writeScope, request.scope)
  let scopeSpans = fieldBytes(scope.length)
  for (const span of request.spans) scopeSpans += fieldBytes(span.length)
  const resourceSpans = fieldBytes(request.resource.length) + fieldBytes(scopeSpans)

  const bytes = new Uint8Array(fieldBytes(resourceSpans))
  let at = putHeader(bytes, 0, 0x0a, resourceSpans)
  at = putPart(bytes, at, 0x0a, request.resource)
  at = putHeader(bytes, at, 0x12, scopeSpans)
  at = putPart(bytes, at, 0x0a, scope)
  for (const span of request.spans) at = putPart(bytes, at, 0x12, span)
  return bytes
}

function writeSpan(writer: Writer, span: Span): void {
  writer.idField(0x0a, span.traceId, 16)
  writer.idField(0x12, span.spanId, 8)
  writer.textField(0x1a, span.traceState)
  if (span.parentSpanId) writer.idField(0x22, span.parentSpanId, 8)
  writer.textField(0x2a, span.name)
  writer.uint32Field(0x30, span.kind)
  writer.fixed64Field(0x39, span.startTimeUnixNano)
  writer.fixed64Field(0x41, span.endTimeUnixNano)
  if (span.encodedAttributes) writer.raw(span.encodedAttributes)
  writeAttributes(writer, SPAN_ATTRIBUTES, span.attributes)
  writer.uint32Field(0x50, span.droppedAttributesCount)
  if (span.events) for (const event of span.events) writeEvent(writer, event)
  writer.uint32Field(0x60, span.droppedEventsCount)
  if (span.links) for (const link of span.links) writeLink(writer, link)
  writer.uint32Field(0x70, span.droppedLinksCount)
  if (span.status) {
    const status = writer.beginMessage(0x7a)
    writer.textField(0x12, span.status.message)
    writer.uint32Field(0x18, span.status.code)
    writer.endMessage(status)
  }
  if (span.flags) {
    // Field 16 is the first whose tag takes two bytes: (16 << 3) | 5 = 133.
    writer.byte(0x85)
    writer.byte(0x01)
    writer.fixed32(span.flags)
  }
}

function writeEvent(writer: Writer, event: SpanEvent): void {
  const message = writer.beginMessage(0x5a)
  writer.fixed64Field(0x09, event.timeUnixNano)
  writer.textField(0x12, event.name)
  writeAttributes(writer, 0x1a, event.attributes)
  writer.uint32Field(0x20, event.droppedAttributesCount)
  writer.endMessage(message)
}

function writeLink(writer: Writer, link: SpanLink): void {
  const message = writer.beginMessage(0x6a)
  writer.idField(0x0a, link.traceId, 16)
  writer.idField(0x12, link.spanId, 8)
  writer.textField(0x1a, link.traceState)
  writeAttributes(writer, 0x22, link.attributes)
  writer.uint32Field(0x28, link.droppedAttributesCount)
  if (link.flags) {
    writer.byte(0x35)
    writer.fixed32(link.flags)
  }
  writer.endMessage(message)
}

function fieldBytes(length: number): number {
  return 1 + varintBytes(length) + length
}

function putHeader(bytes: Uint8Array, at: number, tag: number, length: number): number {
  bytes[at] = tag
  return putVarint(bytes, at + 1, length)
}

function putPart(bytes: Uint8Array, at: number, tag: number, part: Uint8Array): number {
  const start = putHeader(bytes, at, tag, part.length)
  bytes.set(part, start)
  return start + part.length
}
