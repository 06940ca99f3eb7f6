import { writeAttributes, writeScope } from './encode-values.js'
import type {
  Exemplar,
  ExponentialHistogramPoint,
  HistogramPoint,
  Metric,
  NumberPoint,
  SummaryPoint,
  Temporality,
} from './metric-types.js'
import type { Scope } from './types.js'
import { encodeWith, type Writer } from './writer.js'

interface MetricsRequest {
  resource: Uint8Array
  scope: Scope
  metrics: readonly Metric[]
}

const TEMPORALITY: Record<Temporality, number> = { unspecified: 0, delta: 1, cumulative: 2 }

/**
 * Bytes of one `ExportMetricsServiceRequest` with one resource (from `encodeResource`) and one scope.
 * @throws OtlpError `TL_OTLP_ID` for an exemplar's ID that is not 32 (trace) or 16 (span) hexadecimal digits
 */
export function encodeMetrics(request: MetricsRequest): Uint8Array {
  return encodeWith(writeRequest, request)
}

function writeRequest(writer: Writer, request: MetricsRequest): void {
  const resourceMetrics = writer.beginMessage(0x0a)
  writer.bytesField(0x0a, request.resource)
  const scopeMetrics = writer.beginMessage(0x12)
  const scope = writer.beginMessage(0x0a)
  writeScope(writer, request.scope)
  writer.endMessage(scope)
  for (const metric of request.metrics) writeMetric(writer, metric)
  writer.endMessage(scopeMetrics)
  writer.endMessage(resourceMetrics)
}

function writeMetric(writer: Writer, metric: Metric): void {
  const message = writer.beginMessage(0x12)
  writer.textField(0x0a, metric.name)
  writer.textField(0x12, metric.description)
  writer.textField(0x1a, metric.unit)
  const { data } = metric
  switch (data.kind) {
    case 'gauge':
      writeData(writer, 0x2a, data.points, writeNumberPoint)
      break
    case 'sum':
      writeData(writer, 0x3a, data.points, writeNumberPoint, data.temporality, data.monotonic)
      break
    case 'histogram':
      writeData(writer, 0x4a, data.points, writeHistogramPoint, data.temporality)
      break
    case 'exponentialHistogram':
      writeData(writer, 0x52, data.points, writeExponentialPoint, data.temporality)
      break
    case 'summary':
      writeData(writer, 0x5a, data.points, writeSummaryPoint)
  }
  writer.endMessage(message)
}

/** All kinds of data agree on their fields: 1 points, 2 temporality, 3 monotonic. */
function writeData<P>(
  writer: Writer,
  tag: number,
  points: readonly P[],
  writePoint: (writer: Writer, point: P) => void,
  temporality: Temporality = 'unspecified',
  monotonic = false,
): void {
  const data = writer.beginMessage(tag)
  for (const point of points) {
    const message = writer.beginMessage(0x0a)
    writePoint(writer, point)
    writer.endMessage(message)
  }
  writer.uint32Field(0x10, TEMPORALITY[temporality])
  if (monotonic) writer.uint32Field(0x18, 1)
  writer.endMessage(data)
}

function writeNumberPoint(writer: Writer, point: NumberPoint): void {
  writer.fixed64Field(0x11, point.startTimeUnixNano)
  writer.fixed64Field(0x19, point.timeUnixNano)
  if (typeof point.value === 'bigint') writer.fixed64Field(0x31, point.value)
  else writer.doubleField(0x21, point.value)
  writeExemplars(writer, 0x2a, point.exemplars)
  writeAttributes(writer, 0x3a, point.attributes)
  writer.uint32Field(0x40, point.flags)
}

function writeHistogramPoint(writer: Writer, point: HistogramPoint): void {
  writer.fixed64Field(0x11, point.startTimeUnixNano)
  writer.fixed64Field(0x19, point.timeUnixNano)
  writeCount(writer, 0x21, point.count)
  writer.doubleField(0x29, point.sum)
  if (point.bucketCounts.length > 0) {
    writer.byte(0x32)
    writer.varint(point.bucketCounts.length * 8)
    for (const count of point.bucketCounts) writer.fixed64Count(count)
  }
  if (point.bounds.length > 0) {
    writer.byte(0x3a)
    writer.varint(point.bounds.length * 8)
    for (const bound of point.bounds) writer.double(bound)
  }
  writeExemplars(writer, 0x42, point.exemplars)
  writeAttributes(writer, 0x4a, point.attributes)
  writer.uint32Field(0x50, point.flags)
  writer.doubleField(0x59, point.min)
  writer.doubleField(0x61, point.max)
}

function writeExponentialPoint(writer: Writer, point: ExponentialHistogramPoint): void {
  writeAttributes(writer, 0x0a, point.attributes)
  writer.fixed64Field(0x11, point.startTimeUnixNano)
  writer.fixed64Field(0x19, point.timeUnixNano)
  writeCount(writer, 0x21, point.count)
  writer.doubleField(0x29, point.sum)
  writer.byte(0x30)
  writer.sint32(point.scale)
  writeCount(writer, 0x39, point.zeroCount)
  writeBuckets(writer, 0x42, point.positive)
  writeBuckets(writer, 0x4a, point.negative)
  writer.uint32Field(0x50, point.flags)
  writeExemplars(writer, 0x5a, point.exemplars)
  writer.doubleField(0x61, point.min)
  writer.doubleField(0x69, point.max)
  writer.doubleField(0x71, point.zeroThreshold)
}

function writeBuckets(writer: Writer, tag: number, buckets: ExponentialHistogramPoint['positive']): void {
  const message = writer.beginMessage(tag)
  writer.byte(0x08)
  writer.sint32(buckets.offset)
  const counts = writer.beginMessage(0x12)
  for (const count of buckets.bucketCounts) writer.varint(Number.isFinite(count) && count > 0 ? count : 0)
  writer.endMessage(counts)
  writer.endMessage(message)
}

function writeSummaryPoint(writer: Writer, point: SummaryPoint): void {
  writer.fixed64Field(0x11, point.startTimeUnixNano)
  writer.fixed64Field(0x19, point.timeUnixNano)
  writeCount(writer, 0x21, point.count)
  writer.doubleField(0x29, point.sum)
  for (const { quantile, value } of point.quantiles) {
    const message = writer.beginMessage(0x32)
    writer.doubleField(0x09, quantile)
    writer.doubleField(0x11, value)
    writer.endMessage(message)
  }
  writeAttributes(writer, 0x3a, point.attributes)
  writer.uint32Field(0x40, point.flags)
}

function writeExemplars(writer: Writer, tag: number, exemplars: readonly Exemplar[] | undefined): void {
  if (!exemplars) return
  for (const exemplar of exemplars) {
    const message = writer.beginMessage(tag)
    writer.fixed64Field(0x11, exemplar.timeUnixNano)
    if (typeof exemplar.value === 'bigint') writer.fixed64Field(0x31, exemplar.value)
    else writer.doubleField(0x19, exemplar.value)
    if (exemplar.spanId) writer.idField(0x22, exemplar.spanId, 8)
    if (exemplar.traceId) writer.idField(0x2a, exemplar.traceId, 16)
    if (exemplar.attributes) writeAttributes(writer, 0x3a, exemplar.attributes)
    writer.endMessage(message)
  }
}

function writeCount(writer: Writer, tag: number, count: number): void {
  writer.byte(tag)
  writer.fixed64Count(count)
}
