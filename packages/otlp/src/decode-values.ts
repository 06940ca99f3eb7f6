import { bareMap } from './bare-map.js'
import { type Reader, shape } from './reader.js'
import type { Attributes, AttributeValue, Scope } from './types.js'

const RESOURCE = shape('Resource', 1)
const SCOPE = shape('InstrumentationScope', 1, 2, 3, 4)
const KEY_VALUE = shape('KeyValue', 1, 2)
const ANY_VALUE = shape('AnyValue', 1, 2, 3, 4, 5, 6, 7)
const ARRAY_VALUE = shape('ArrayValue', 1)
const KEY_VALUE_LIST = shape('KeyValueList', 1)

/** A map of attributes and how many entries came for it, repeated keys counted. */
export class AttributeMap {
  readonly entries = bareMap()
  count = 0
}

/** The attributes of a `Resource` are added to `into`: protobuf merges a field that comes twice. */
export function readResource(reader: Reader, into: AttributeMap): void {
  const outer = reader.enter()
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) readAttribute(reader, into, 1)
    else reader.skip(tag, RESOURCE)
  }
  reader.leave(outer)
}

export function readScope(reader: Reader): Scope {
  const outer = reader.enter()
  const scope: Scope = { name: '' }
  const attributes = new AttributeMap()
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) scope.name = reader.familiarText()
    else if (tag === 0x12) scope.version = reader.text() || undefined
    else if (tag === 0x1a) readAttribute(reader, attributes, 1)
    else if (tag === 0x20) scope.droppedAttributesCount = reader.uint32() || undefined
    else reader.skip(tag, SCOPE)
  }
  if (attributes.count > 0) scope.attributes = attributes.entries
  reader.leave(outer)
  return scope
}

/** Reads one `KeyValue`; of a key that comes twice the last stays. */
export function readAttribute(reader: Reader, into: AttributeMap, depth: number): void {
  reader.budget.attribute(into.count++)
  const outer = reader.enter()
  let key = ''
  let value: AttributeValue = null
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) key = reader.familiarText()
    else if (tag === 0x12) value = readAnyValue(reader, depth)
    else reader.skip(tag, KEY_VALUE)
  }
  into.entries[key] = value
  reader.leave(outer)
}

function readAnyValue(reader: Reader, depth: number): AttributeValue {
  reader.budget.value(depth)
  const outer = reader.enter()
  let value: AttributeValue = null
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case 0x0a:
        value = reader.text()
        break
      case 0x10:
        value = reader.bool()
        break
      case 0x18:
        value = reader.int64()
        break
      case 0x21:
        value = reader.double()
        break
      case 0x2a:
        value = readList(reader, depth)
        break
      case 0x32:
        value = readMap(reader, depth)
        break
      case 0x3a:
        value = reader.bytes()
        break
      default:
        reader.skip(tag, ANY_VALUE)
    }
  }
  reader.leave(outer)
  return value
}

function readList(reader: Reader, depth: number): AttributeValue[] {
  const outer = reader.enter()
  const list: AttributeValue[] = []
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) {
      reader.budget.attribute(list.length)
      list.push(readAnyValue(reader, depth + 1))
    } else reader.skip(tag, ARRAY_VALUE)
  }
  reader.leave(outer)
  return list
}

function readMap(reader: Reader, depth: number): Attributes {
  const outer = reader.enter()
  const map = new AttributeMap()
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) readAttribute(reader, map, depth + 1)
    else reader.skip(tag, KEY_VALUE_LIST)
  }
  reader.leave(outer)
  return map.entries
}
