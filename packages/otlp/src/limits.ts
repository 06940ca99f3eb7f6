import { OtlpError } from './errors.js'

/** Going beyond any of them throws `OtlpError` with the code `TL_OTLP_LIMIT`. */
export interface DecodeLimits {
  /** Length of the body. Default 16 MiB. */
  maxBytes?: number
  /** Spans of one request. Default 100,000. */
  maxSpans?: number
  /** Data points of one request. Default 100,000. */
  maxPoints?: number
  /** Entries of one attribute map, elements of one attribute list. Default 1,024. */
  maxAttributes?: number
  /** How deep lists and maps may lie in an attribute; a plain value is at 1. Default 32. */
  maxDepth?: number
  /**
   * Everything of one request that becomes an object or an entry: resources, scopes, spans, events, links, metrics,
   * points, exemplars, attributes, list elements. Default 1,000,000. It bounds memory: an empty event takes 2 bytes of a
   * body and some 100 bytes here. A JSON text may hold at most four of `{`, `[` and `,` for each item.
   */
  maxItems?: number
}

// 16 MiB holds some 37,000 spans of 450 bytes with ten attributes: 410,000 items.
const DEFAULTS: Required<DecodeLimits> = {
  maxBytes: 16_777_216,
  maxSpans: 100_000,
  maxPoints: 100_000,
  maxAttributes: 1_024,
  maxDepth: 32,
  maxItems: 1_000_000,
}

/** What one request has used of its limits. */
export class Budget {
  readonly limits: Required<DecodeLimits>
  #items = 0
  #spans = 0
  #points = 0

  constructor(limits: DecodeLimits | undefined, bodyBytes: number) {
    this.limits = { ...DEFAULTS, ...limits }
    if (bodyBytes > this.limits.maxBytes) throw beyond('maxBytes', this.limits.maxBytes)
  }

  item(count = 1): void {
    this.#items += count
    if (this.#items > this.limits.maxItems) throw beyond('maxItems', this.limits.maxItems)
  }

  span(): void {
    if (++this.#spans > this.limits.maxSpans) throw beyond('maxSpans', this.limits.maxSpans)
    this.item()
  }

  point(): void {
    if (++this.#points > this.limits.maxPoints) throw beyond('maxPoints', this.limits.maxPoints)
    this.item()
  }

  /** @param index of the entry or element in its map or list */
  attribute(index: number): void {
    if (index >= this.limits.maxAttributes) throw beyond('maxAttributes', this.limits.maxAttributes)
    this.item()
  }

  /** @param depth 1 for a value that stands directly under its key */
  value(depth: number): void {
    if (depth > this.limits.maxDepth) throw beyond('maxDepth', this.limits.maxDepth)
  }
}

function beyond(limit: keyof DecodeLimits, value: number): OtlpError {
  return new OtlpError('TL_OTLP_LIMIT', `the request goes beyond ${limit} (${value})`)
}
