import type { JsonObject, JsonReader } from './json.js'
import { has, jsonAttributes } from './json-values.js'
import type {
  Exemplar,
  ExponentialHistogramPoint,
  HistogramPoint,
  NumberPoint,
  SummaryPoint,
} from './metric-types.js'

export function jsonNumberPoint(json: JsonReader, object: JsonObject): NumberPoint {
  return {
    ...pointFields(json, object),
    value: numberValue(json, object),
    exemplars: exemplars(json, object),
  }
}

export function jsonHistogramPoint(json: JsonReader, object: JsonObject): HistogramPoint {
  return {
    ...pointFields(json, object),
    ...distribution(json, object),
    bounds: json.numbers(object, 'explicitBounds', (list, index) => json.double(list, index)),
    bucketCounts: json.numbers(object, 'bucketCounts', (list, index) => json.uint64(list, index)),
    exemplars: exemplars(json, object),
  }
}

export function jsonExponentialPoint(json: JsonReader, object: JsonObject): ExponentialHistogramPoint {
  return {
    ...pointFields(json, object),
    ...distribution(json, object),
    scale: json.int32(object, 'scale'),
    zeroCount: Number(json.uint64(object, 'zeroCount')),
    zeroThreshold: json.double(object, 'zeroThreshold') || undefined,
    positive: buckets(json, object, 'positive'),
    negative: buckets(json, object, 'negative'),
    exemplars: exemplars(json, object),
  }
}

export function jsonSummaryPoint(json: JsonReader, object: JsonObject): SummaryPoint {
  const quantiles: SummaryPoint['quantiles'] = []
  json.each(object, 'quantileValues', (entry) => {
    json.budget.item()
    quantiles.push({ quantile: json.double(entry, 'quantile'), value: json.double(entry, 'value') })
  })
  return {
    ...pointFields(json, object),
    count: Number(json.uint64(object, 'count')),
    sum: json.double(object, 'sum'),
    quantiles,
  }
}

function pointFields(json: JsonReader, object: JsonObject) {
  return {
    attributes: jsonAttributes(json, object),
    startTimeUnixNano: json.uint64(object, 'startTimeUnixNano'),
    timeUnixNano: json.uint64(object, 'timeUnixNano'),
    flags: json.uint32(object, 'flags') || undefined,
  }
}

function distribution(json: JsonReader, object: JsonObject) {
  return {
    count: Number(json.uint64(object, 'count')),
    sum: has(object, 'sum') ? json.double(object, 'sum') : undefined,
    min: has(object, 'min') ? json.double(object, 'min') : undefined,
    max: has(object, 'max') ? json.double(object, 'max') : undefined,
  }
}

function buckets(json: JsonReader, object: JsonObject, key: string): ExponentialHistogramPoint['positive'] {
  const found = json.inside(object, key, (inner) => ({
    offset: json.int32(inner, 'offset'),
    bucketCounts: json.numbers(inner, 'bucketCounts', (list, index) => json.uint64(list, index)),
  }))
  return found ?? { offset: 0, bucketCounts: [] }
}

function numberValue(json: JsonReader, object: JsonObject): number | bigint {
  return has(object, 'asInt') ? json.int64(object, 'asInt') : json.double(object, 'asDouble')
}

function exemplars(json: JsonReader, point: JsonObject): Exemplar[] | undefined {
  const list: Exemplar[] = []
  json.each(point, 'exemplars', (object) => {
    json.budget.item()
    const attributes = jsonAttributes(json, object, 'filteredAttributes')
    list.push({
      timeUnixNano: json.uint64(object, 'timeUnixNano'),
      value: numberValue(json, object),
      spanId: json.id(object, 'spanId', 8) || undefined,
      traceId: json.id(object, 'traceId', 16) || undefined,
      attributes: Object.keys(attributes).length > 0 ? attributes : undefined,
    })
  })
  return list.length > 0 ? list : undefined
}
