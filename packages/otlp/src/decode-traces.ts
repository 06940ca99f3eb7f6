import { AttributeMap, readAttribute, readResource, readScope } from './decode-values.js'
import { type Reader, shape } from './reader.js'
import type { ResourceSpans, Span, SpanEvent, SpanLink } from './types.js'

const REQUEST = shape('ExportTraceServiceRequest', 1)
const RESOURCE_SPANS = shape('ResourceSpans', 1, 2)
const SCOPE_SPANS = shape('ScopeSpans', 1, 2)
const SPAN = shape('Span', 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
const EVENT = shape('Span.Event', 1, 2, 3, 4)
const LINK = shape('Span.Link', 1, 2, 3, 4, 5, 6)
const STATUS = shape('Status', 2, 3)

export function readTracesRequest(reader: Reader): ResourceSpans[] {
  const request: ResourceSpans[] = []
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) request.push(readResourceSpans(reader))
    else reader.skip(tag, REQUEST)
  }
  return request
}

function readResourceSpans(reader: Reader): ResourceSpans {
  reader.budget.item()
  const outer = reader.enter()
  const resource = new AttributeMap()
  const scopes: ResourceSpans['scopes'] = []
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) readResource(reader, resource)
    else if (tag === 0x12) scopes.push(readScopeSpans(reader))
    else reader.skip(tag, RESOURCE_SPANS)
  }
  reader.leave(outer)
  return { resource: resource.entries, scopes }
}

function readScopeSpans(reader: Reader): ResourceSpans['scopes'][number] {
  reader.budget.item()
  const outer = reader.enter()
  const group: ResourceSpans['scopes'][number] = { scope: { name: '' }, spans: [] }
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) group.scope = readScope(reader)
    else if (tag === 0x12) group.spans.push(readSpan(reader))
    else reader.skip(tag, SCOPE_SPANS)
  }
  reader.leave(outer)
  return group
}

function readSpan(reader: Reader): Span {
  reader.budget.span()
  const outer = reader.enter()
  const attributes = new AttributeMap()
  const span: Span = {
    traceId: '',
    spanId: '',
    name: '',
    startTimeUnixNano: 0n,
    endTimeUnixNano: 0n,
    attributes: attributes.entries,
  }
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) readSpanField(reader, tag, span, attributes)
  reader.leave(outer)
  return span
}

function readSpanField(reader: Reader, tag: number, span: Span, attributes: AttributeMap): void {
  switch (tag) {
    case 0x0a:
      span.traceId = reader.id(16)
      break
    case 0x12:
      span.spanId = reader.id(8)
      break
    case 0x1a:
      span.traceState = reader.text() || undefined
      break
    case 0x22:
      span.parentSpanId = reader.id(8) || undefined
      break
    case 0x2a:
      span.name = reader.familiarText()
      break
    case 0x30:
      span.kind = reader.uint32() || undefined
      break
    case 0x39:
      span.startTimeUnixNano = reader.fixed64()
      break
    case 0x41:
      span.endTimeUnixNano = reader.fixed64()
      break
    case 0x4a:
      readAttribute(reader, attributes, 1)
      break
    case 0x50:
      span.droppedAttributesCount = reader.uint32() || undefined
      break
    case 0x5a:
      span.events ??= []
      span.events.push(readEvent(reader))
      break
    case 0x60:
      span.droppedEventsCount = reader.uint32() || undefined
      break
    case 0x6a:
      span.links ??= []
      span.links.push(readLink(reader))
      break
    case 0x70:
      span.droppedLinksCount = reader.uint32() || undefined
      break
    case 0x7a:
      span.status ??= { code: 0 }
      readStatus(reader, span.status)
      break
    case 0x85:
      span.flags = reader.fixed32() || undefined
      break
    default:
      reader.skip(tag, SPAN)
  }
}

function readEvent(reader: Reader): SpanEvent {
  reader.budget.item()
  const outer = reader.enter()
  const attributes = new AttributeMap()
  const event: SpanEvent = { name: '', timeUnixNano: 0n, attributes: attributes.entries }
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x09) event.timeUnixNano = reader.fixed64()
    else if (tag === 0x12) event.name = reader.text()
    else if (tag === 0x1a) readAttribute(reader, attributes, 1)
    else if (tag === 0x20) event.droppedAttributesCount = reader.uint32() || undefined
    else reader.skip(tag, EVENT)
  }
  reader.leave(outer)
  return event
}

function readLink(reader: Reader): SpanLink {
  reader.budget.item()
  const outer = reader.enter()
  const attributes = new AttributeMap()
  const link: SpanLink = { traceId: '', spanId: '', attributes: attributes.entries }
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) link.traceId = reader.id(16)
    else if (tag === 0x12) link.spanId = reader.id(8)
    else if (tag === 0x1a) link.traceState = reader.text() || undefined
    else if (tag === 0x22) readAttribute(reader, attributes, 1)
    else if (tag === 0x28) link.droppedAttributesCount = reader.uint32() || undefined
    else if (tag === 0x35) link.flags = reader.fixed32() || undefined
    else reader.skip(tag, LINK)
  }
  reader.leave(outer)
  return link
}

/** A code that is not 1 or 2 counts as unset, as protobuf asks for a value an enum does not know. */
function readStatus(reader: Reader, status: NonNullable<Span['status']>): void {
  const outer = reader.enter()
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x12) status.message = reader.text() || undefined
    else if (tag === 0x18) {
      const code = reader.uint32()
      status.code = code === 1 || code === 2 ? code : 0
    } else reader.skip(tag, STATUS)
  }
  reader.leave(outer)
}
