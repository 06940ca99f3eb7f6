import { types } from 'node:util'
import type { Attributes, AttributeValue, Scope } from './types.js'
import { encodeWith, type Writer } from './writer.js'

// One less than the decoder's default depth limit: the innermost list or map may still hold plain values.
const MAX_NESTED = 31
/** Field 9 of Span. */
export const SPAN_ATTRIBUTES = 0x4a
const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/** Bytes of one `Resource` message, for `encodeTraces` and `encodeMetrics`. */
export function encodeResource(attributes: Attributes): Uint8Array {
  return encodeWith(writeResource, attributes)
}

function writeResource(writer: Writer, attributes: Attributes): void {
  writeAttributes(writer, 0x0a, attributes)
}

export function writeScope(writer: Writer, scope: Scope): void {
  writer.textField(0x0a, scope.name)
  writer.textField(0x12, scope.version)
  if (scope.attributes) writeAttributes(writer, 0x1a, scope.attributes)
  writer.uint32Field(0x20, scope.droppedAttributesCount)
}

/** A `KeyValue` under `tag` for each own key. A value of `undefined` leaves its key out. */
export function writeAttributes(writer: Writer, tag: number, attributes: Attributes): void {
  for (const key of Object.keys(attributes)) {
    const value: AttributeValue | undefined = attributes[key]
    if (value === undefined || writeShort(writer, tag, key, value)) continue
    const entry = writer.beginMessage(tag)
    writer.textField(0x0a, key)
    writeAnyValue(writer, 0x12, value)
    writer.endMessage(entry)
  }
}

/** The fast way for what most attributes are. */
function writeShort(writer: Writer, tag: number, key: string, value: AttributeValue): boolean {
  if (typeof value === 'string') return writer.shortText(tag, key, value)
  if (typeof value === 'number') {
    return value >= 0 && Number.isSafeInteger(value) && writer.shortVarint(tag, key, 0x18, value)
  }
  return typeof value === 'boolean' && writer.shortVarint(tag, key, 0x10, value ? 1 : 0)
}

/** Bytes of the attributes of a span, for `Span.encodedAttributes`. */
export function encodeAttributes(attributes: Attributes): Uint8Array {
  return encodeWith(writeSpanAttributes, attributes)
}

function writeSpanAttributes(writer: Writer, attributes: Attributes): void {
  writeAttributes(writer, SPAN_ATTRIBUTES, attributes)
}

function writeAnyValue(writer: Writer, tag: number, value: AttributeValue): void {
  const message = writer.beginMessage(tag)
  switch (typeof value) {
    case 'string':
      writer.byte(0x0a)
      writer.text(value)
      break
    case 'number':
      if (Number.isSafeInteger(value)) {
        writer.byte(0x18)
        writer.int64(value)
      } else {
        writer.doubleField(0x21, value)
      }
      break
    case 'boolean':
      writer.byte(0x10)
      writer.byte(value ? 1 : 0)
      break
    case 'bigint':
      writeBigint(writer, value)
      break
    case 'object':
      if (value !== null) writeNested(writer, value)
  }
  writer.endMessage(message)
}

/** Digits as a string where int64 cannot hold the number: a changed number would be worse than a changed type. */
function writeBigint(writer: Writer, value: bigint): void {
  if (value >= INT64_MIN && value <= INT64_MAX) {
    writer.byte(0x18)
    writer.int64(value)
  } else {
    writer.byte(0x0a)
    writer.text(String(value))
  }
}

/** A cycle, and what lies deeper than the decoder reads, is left as the empty value. */
function writeNested(writer: Writer, value: Exclude<AttributeValue & object, null>): void {
  if (types.isUint8Array(value)) {
    writer.bytesField(0x3a, value)
    return
  }
  if (writer.open.length >= MAX_NESTED || writer.open.includes(value)) return
  writer.open.push(value)
  if (Array.isArray(value)) {
    const list = writer.beginMessage(0x2a)
    for (const element of value) writeAnyValue(writer, 0x0a, element)
    writer.endMessage(list)
  } else {
    const map = writer.beginMessage(0x32)
    writeAttributes(writer, 0x0a, value)
    writer.endMessage(map)
  }
  writer.open.pop()
}
