/**
 * A value of OTLP's `AnyValue`. A safe integer travels as `int_value`, any other number as `double_value`;
 * an `int_value` beyond 2^53 comes back as a bigint. `null` is the empty value.
 */
export type AttributeValue =
  | string
  | number
  | boolean
  | bigint
  | null
  | Uint8Array
  | AttributeValue[]
  | { [key: string]: AttributeValue }

/** Decoded maps inherit nothing, so a key such as `__proto__` or `constructor` is only a key. */
export type Attributes = Record<string, AttributeValue>

export interface Scope {
  name: string
  version?: string | undefined
  attributes?: Attributes | undefined
  droppedAttributesCount?: number | undefined
}

/** Times are nanoseconds since 1970. IDs are hexadecimal digits: 32 of a trace, 16 of a span. */
export interface Span {
  traceId: string
  spanId: string
  parentSpanId?: string | undefined
  traceState?: string | undefined
  /** The 32 bits of `Span.flags`; the low 8 are the W3C trace flags. */
  flags?: number | undefined
  name: string
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  kind?: number | undefined
  startTimeUnixNano: bigint
  endTimeUnixNano: bigint
  attributes: Attributes
  /** For the encoder alone: attributes that never change, as `encodeAttributes` gave them; they go before the others. */
  encodedAttributes?: Uint8Array | undefined
  droppedAttributesCount?: number | undefined
  events?: SpanEvent[] | undefined
  droppedEventsCount?: number | undefined
  links?: SpanLink[] | undefined
  droppedLinksCount?: number | undefined
  /** 0 unset, 1 ok, 2 error. */
  status?: { code: 0 | 1 | 2; message?: string | undefined } | undefined
}

export interface SpanEvent {
  name: string
  timeUnixNano: bigint
  attributes: Attributes
  droppedAttributesCount?: number | undefined
}

export interface SpanLink {
  traceId: string
  spanId: string
  traceState?: string | undefined
  flags?: number | undefined
  attributes: Attributes
  droppedAttributesCount?: number | undefined
}

/** The spans of one resource, grouped by scope, as one request carries them. */
export interface ResourceSpans {
  resource: Attributes
  scopes: { scope: Scope; spans: Span[] }[]
}
