import { bareMap } from './bare-map.js'
import type { JsonObject, JsonReader } from './json.js'
import { jsonAttributes, jsonScope } from './json-values.js'
import type { ResourceSpans, Span, SpanEvent, SpanLink } from './types.js'

const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER']
const CODES = ['UNSET', 'OK', 'ERROR']

export function jsonTracesRequest(json: JsonReader, body: JsonObject): ResourceSpans[] {
  const request: ResourceSpans[] = []
  json.each(body, 'resourceSpans', (group) => {
    json.budget.item()
    const resource = json.inside(group, 'resource', (inner) => jsonAttributes(json, inner))
    const scopes: ResourceSpans['scopes'] = []
    json.each(group, 'scopeSpans', (scopeSpans) => {
      json.budget.item()
      const scope = json.inside(scopeSpans, 'scope', (inner) => jsonScope(json, inner)) ?? { name: '' }
      const spans: Span[] = []
      json.each(scopeSpans, 'spans', (span) => spans.push(jsonSpan(json, span)))
      scopes.push({ scope, spans })
    })
    request.push({ resource: resource ?? bareMap(), scopes })
  })
  return request
}

function jsonSpan(json: JsonReader, object: JsonObject): Span {
  json.budget.span()
  return {
    traceId: json.id(object, 'traceId', 16),
    spanId: json.id(object, 'spanId', 8),
    parentSpanId: json.id(object, 'parentSpanId', 8) || undefined,
    traceState: json.text(object, 'traceState') || undefined,
    flags: json.uint32(object, 'flags') || undefined,
    name: json.text(object, 'name'),
    kind: json.enumeration(object, 'kind', 'SPAN_KIND_', KINDS) || undefined,
    startTimeUnixNano: json.uint64(object, 'startTimeUnixNano'),
    endTimeUnixNano: json.uint64(object, 'endTimeUnixNano'),
    attributes: jsonAttributes(json, object),
    droppedAttributesCount: json.uint32(object, 'droppedAttributesCount') || undefined,
    droppedEventsCount: json.uint32(object, 'droppedEventsCount') || undefined,
    droppedLinksCount: json.uint32(object, 'droppedLinksCount') || undefined,
    events: jsonEvents(json, object),
    links: jsonLinks(json, object),
    status: json.inside(object, 'status', (status) => jsonStatus(json, status)),
  }
}

function jsonEvents(json: JsonReader, span: JsonObject): SpanEvent[] | undefined {
  const events: SpanEvent[] = []
  json.each(span, 'events', (event) => {
    json.budget.item()
    events.push({
      name: json.text(event, 'name'),
      timeUnixNano: json.uint64(event, 'timeUnixNano'),
      attributes: jsonAttributes(json, event),
      droppedAttributesCount: json.uint32(event, 'droppedAttributesCount') || undefined,
    })
  })
  return events.length > 0 ? events : undefined
}

function jsonLinks(json: JsonReader, span: JsonObject): SpanLink[] | undefined {
  const links: SpanLink[] = []
  json.each(span, 'links', (link) => {
    json.budget.item()
    links.push({
      traceId: json.id(link, 'traceId', 16),
      spanId: json.id(link, 'spanId', 8),
      traceState: json.text(link, 'traceState') || undefined,
      flags: json.uint32(link, 'flags') || undefined,
      attributes: jsonAttributes(json, link),
      droppedAttributesCount: json.uint32(link, 'droppedAttributesCount') || undefined,
    })
  })
  return links.length > 0 ? links : undefined
}

function jsonStatus(json: JsonReader, status: JsonObject): NonNullable<Span['status']> {
  const code = json.enumeration(status, 'code', 'STATUS_CODE_', CODES)
  return { code: code === 1 || code === 2 ? code : 0, message: json.text(status, 'message') || undefined }
}
