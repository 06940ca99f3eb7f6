import { bareMap } from './bare-map.js'
import { temporalityOf } from './decode-metrics.js'
import type { JsonObject, JsonReader } from './json.js'
import { jsonExponentialPoint, jsonHistogramPoint, jsonNumberPoint, jsonSummaryPoint } from './json-points.js'
import { jsonAttributes, jsonScope } from './json-values.js'
import type { Metric, MetricData, ResourceMetrics, Temporality } from './metric-types.js'

const TEMPORALITIES = ['UNSPECIFIED', 'DELTA', 'CUMULATIVE']

export function jsonMetricsRequest(json: JsonReader, body: JsonObject): ResourceMetrics[] {
  const request: ResourceMetrics[] = []
  json.each(body, 'resourceMetrics', (group) => {
    json.budget.item()
    const resource = json.inside(group, 'resource', (inner) => jsonAttributes(json, inner))
    const scopes: ResourceMetrics['scopes'] = []
    json.each(group, 'scopeMetrics', (scopeMetrics) => {
      json.budget.item()
      const scope = json.inside(scopeMetrics, 'scope', (inner) => jsonScope(json, inner)) ?? { name: '' }
      const metrics: Metric[] = []
      json.each(scopeMetrics, 'metrics', (metric) => metrics.push(jsonMetric(json, metric)))
      scopes.push({ scope, metrics })
    })
    request.push({ resource: resource ?? bareMap(), scopes })
  })
  return request
}

function jsonMetric(json: JsonReader, object: JsonObject): Metric {
  json.budget.item()
  return {
    name: json.text(object, 'name'),
    description: json.text(object, 'description') || undefined,
    unit: json.text(object, 'unit') || undefined,
    data: jsonMetricData(json, object),
  }
}

function jsonMetricData(json: JsonReader, metric: JsonObject): MetricData {
  const data =
    json.inside<MetricData>(metric, 'gauge', (gauge) => ({
      kind: 'gauge',
      points: points(json, gauge, jsonNumberPoint),
    })) ??
    json.inside<MetricData>(metric, 'sum', (sum) => ({
      kind: 'sum',
      monotonic: json.bool(sum, 'isMonotonic'),
      temporality: temporality(json, sum),
      points: points(json, sum, jsonNumberPoint),
    })) ??
    json.inside<MetricData>(metric, 'histogram', (histogram) => ({
      kind: 'histogram',
      temporality: temporality(json, histogram),
      points: points(json, histogram, jsonHistogramPoint),
    })) ??
    json.inside<MetricData>(metric, 'exponentialHistogram', (histogram) => ({
      kind: 'exponentialHistogram',
      temporality: temporality(json, histogram),
      points: points(json, histogram, jsonExponentialPoint),
    })) ??
    json.inside<MetricData>(metric, 'summary', (summary) => ({
      kind: 'summary',
      points: points(json, summary, jsonSummaryPoint),
    }))
  return data ?? { kind: 'none' }
}

function temporality(json: JsonReader, data: JsonObject): Temporality {
  return temporalityOf(
    json.enumeration(data, 'aggregationTemporality', 'AGGREGATION_TEMPORALITY_', TEMPORALITIES),
  )
}

function points<P>(
  json: JsonReader,
  data: JsonObject,
  readPoint: (json: JsonReader, point: JsonObject) => P,
): P[] {
  const list: P[] = []
  json.each(data, 'dataPoints', (point) => {
    json.budget.point()
    list.push(readPoint(json, point))
  })
  return list
}
