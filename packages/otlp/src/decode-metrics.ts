import {
  readExponentialPoint,
  readHistogramPoint,
  readNumberPoint,
  readSummaryPoint,
} from './decode-points.js'
import { AttributeMap, readResource, readScope } from './decode-values.js'
import type { Metric, MetricData, ResourceMetrics, Temporality } from './metric-types.js'
import { type Reader, type Shape, shape } from './reader.js'

const REQUEST = shape('ExportMetricsServiceRequest', 1)
const RESOURCE_METRICS = shape('ResourceMetrics', 1, 2)
const SCOPE_METRICS = shape('ScopeMetrics', 1, 2)
const METRIC = shape('Metric', 1, 2, 3, 5, 7, 9, 10, 11)
const GAUGE = shape('Gauge', 1)
const SUM = shape('Sum', 1, 2, 3)
const HISTOGRAM = shape('Histogram', 1, 2)
const EXPONENTIAL_HISTOGRAM = shape('ExponentialHistogram', 1, 2)
const SUMMARY = shape('Summary', 1)

export function readMetricsRequest(reader: Reader): ResourceMetrics[] {
  const request: ResourceMetrics[] = []
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) request.push(readResourceMetrics(reader))
    else reader.skip(tag, REQUEST)
  }
  return request
}

function readResourceMetrics(reader: Reader): ResourceMetrics {
  reader.budget.item()
  const outer = reader.enter()
  const resource = new AttributeMap()
  const scopes: ResourceMetrics['scopes'] = []
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) readResource(reader, resource)
    else if (tag === 0x12) scopes.push(readScopeMetrics(reader))
    else reader.skip(tag, RESOURCE_METRICS)
  }
  reader.leave(outer)
  return { resource: resource.entries, scopes }
}

function readScopeMetrics(reader: Reader): ResourceMetrics['scopes'][number] {
  reader.budget.item()
  const outer = reader.enter()
  const group: ResourceMetrics['scopes'][number] = { scope: { name: '' }, metrics: [] }
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) group.scope = readScope(reader)
    else if (tag === 0x12) group.metrics.push(readMetric(reader))
    else reader.skip(tag, SCOPE_METRICS)
  }
  reader.leave(outer)
  return group
}

function readMetric(reader: Reader): Metric {
  reader.budget.item()
  const outer = reader.enter()
  const metric: Metric = { name: '', data: { kind: 'none' } }
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) metric.name = reader.text()
    else if (tag === 0x12) metric.description = reader.text() || undefined
    else if (tag === 0x1a) metric.unit = reader.text() || undefined
    else metric.data = readMetricData(reader, tag) ?? metric.data
  }
  reader.leave(outer)
  return metric
}

function readMetricData(reader: Reader, tag: number): MetricData | undefined {
  switch (tag) {
    case 0x2a:
      return { kind: 'gauge', points: readData(reader, GAUGE, readNumberPoint).points }
    case 0x3a:
      return { kind: 'sum', ...readData(reader, SUM, readNumberPoint) }
    case 0x4a: {
      const { temporality, points } = readData(reader, HISTOGRAM, readHistogramPoint)
      return { kind: 'histogram', temporality, points }
    }
    case 0x52: {
      const { temporality, points } = readData(reader, EXPONENTIAL_HISTOGRAM, readExponentialPoint)
      return { kind: 'exponentialHistogram', temporality, points }
    }
    case 0x5a:
      return { kind: 'summary', points: readData(reader, SUMMARY, readSummaryPoint).points }
    default:
      reader.skip(tag, METRIC)
      return undefined
  }
}

interface Data<P> {
  monotonic: boolean
  temporality: Temporality
  points: P[]
}

/** All kinds of data agree on their fields: 1 points, 2 temporality, 3 monotonic. */
function readData<P>(reader: Reader, known: Shape, readPoint: (reader: Reader) => P): Data<P> {
  const outer = reader.enter()
  const data: Data<P> = { monotonic: false, temporality: 'unspecified', points: [] }
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) data.points.push(readPoint(reader))
    else if (tag === 0x10) data.temporality = temporalityOf(reader.uint32())
    else if (tag === 0x18) data.monotonic = reader.bool()
    else reader.skip(tag, known)
  }
  reader.leave(outer)
  return data
}

export function temporalityOf(value: number): Temporality {
  if (value === 1) return 'delta'
  return value === 2 ? 'cumulative' : 'unspecified'
}
