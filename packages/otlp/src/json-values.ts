import { bareMap } from './bare-map.js'
import type { JsonObject, JsonReader } from './json.js'
import type { Attributes, AttributeValue, Scope } from './types.js'

/** The attributes under `key`; of an attribute that comes twice the last stays. */
export function jsonAttributes(
  json: JsonReader,
  object: JsonObject,
  key = 'attributes',
  depth = 1,
): Attributes {
  const attributes = bareMap()
  json.each(object, key, (entry, index) => {
    json.budget.attribute(index)
    attributes[json.text(entry, 'key')] =
      json.inside(entry, 'value', (value) => jsonAnyValue(json, value, depth)) ?? null
  })
  return attributes
}

export function jsonScope(json: JsonReader, object: JsonObject): Scope {
  const scope: Scope = {
    name: json.text(object, 'name'),
    version: json.text(object, 'version') || undefined,
    droppedAttributesCount: json.uint32(object, 'droppedAttributesCount') || undefined,
  }
  const attributes = jsonAttributes(json, object)
  if (Object.keys(attributes).length > 0) scope.attributes = attributes
  return scope
}

function jsonAnyValue(json: JsonReader, value: JsonObject, depth: number): AttributeValue {
  json.budget.value(depth)
  if (has(value, 'stringValue')) return json.text(value, 'stringValue')
  if (has(value, 'boolValue')) return json.bool(value, 'boolValue')
  if (has(value, 'intValue')) {
    const integer = json.int64(value, 'intValue')
    return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer
  }
  if (has(value, 'doubleValue')) return json.double(value, 'doubleValue')
  if (has(value, 'bytesValue')) return json.bytes(value, 'bytesValue')
  if (has(value, 'arrayValue')) {
    const list: AttributeValue[] = []
    json.inside(value, 'arrayValue', (array) =>
      json.each(array, 'values', (element, index) => {
        json.budget.attribute(index)
        list.push(jsonAnyValue(json, element, depth + 1))
      }),
    )
    return list
  }
  return json.inside(value, 'kvlistValue', (map) => jsonAttributes(json, map, 'values', depth + 1)) ?? null
}

/** Null counts as absent, as in the JSON form of protobuf. */
export function has(object: JsonObject, key: string): boolean {
  return object[key] !== undefined && object[key] !== null
}
