import { AttributeMap, readAttribute } from './decode-values.js'
import type {
  Exemplar,
  ExponentialHistogramPoint,
  HistogramPoint,
  NumberPoint,
  SummaryPoint,
} from './metric-types.js'
import { type Reader, shape } from './reader.js'

const NUMBER_POINT = shape('NumberDataPoint', 2, 3, 4, 5, 6, 7, 8)
const HISTOGRAM_POINT = shape('HistogramDataPoint', 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
const EXPONENTIAL_POINT = shape(
  'ExponentialHistogramDataPoint',
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  8,
  9,
  10,
  11,
  12,
  13,
  14,
)
const BUCKETS = shape('Buckets', 1, 2)
const SUMMARY_POINT = shape('SummaryDataPoint', 2, 3, 4, 5, 6, 7, 8)
const QUANTILE = shape('ValueAtQuantile', 1, 2)
const EXEMPLAR = shape('Exemplar', 2, 3, 4, 5, 6, 7)

export function readNumberPoint(reader: Reader): NumberPoint {
  reader.budget.point()
  const outer = reader.enter()
  const attributes = new AttributeMap()
  const point: NumberPoint = {
    attributes: attributes.entries,
    startTimeUnixNano: 0n,
    timeUnixNano: 0n,
    value: 0,
  }
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x11) point.startTimeUnixNano = reader.fixed64()
    else if (tag === 0x19) point.timeUnixNano = reader.fixed64()
    else if (tag === 0x21) point.value = reader.double()
    else if (tag === 0x2a) {
      point.exemplars ??= []
      point.exemplars.push(readExemplar(reader))
    } else if (tag === 0x31) point.value = reader.sfixed64()
    else if (tag === 0x3a) readAttribute(reader, attributes, 1)
    else if (tag === 0x40) point.flags = reader.uint32() || undefined
    else reader.skip(tag, NUMBER_POINT)
  }
  reader.leave(outer)
  return point
}

export function readHistogramPoint(reader: Reader): HistogramPoint {
  reader.budget.point()
  const outer = reader.enter()
  const attributes = new AttributeMap()
  const bounds: number[] = []
  const bucketCounts: number[] = []
  const point: HistogramPoint = {
    attributes: attributes.entries,
    startTimeUnixNano: 0n,
    timeUnixNano: 0n,
    count: 0,
    bounds,
    bucketCounts,
  }
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x11) point.startTimeUnixNano = reader.fixed64()
    else if (tag === 0x19) point.timeUnixNano = reader.fixed64()
    else if (tag === 0x21) point.count = reader.count()
    else if (tag === 0x29) point.sum = reader.double()
    else if (tag === 0x32) readPacked(reader, bucketCounts, readCount)
    else if (tag === 0x31) bucketCounts.push(reader.count())
    else if (tag === 0x3a) readPacked(reader, bounds, readDouble)
    else if (tag === 0x39) bounds.push(reader.double())
    else if (tag === 0x42) {
      point.exemplars ??= []
      point.exemplars.push(readExemplar(reader))
    } else if (tag === 0x4a) readAttribute(reader, attributes, 1)
    else if (tag === 0x50) point.flags = reader.uint32() || undefined
    else if (tag === 0x59) point.min = reader.double()
    else if (tag === 0x61) point.max = reader.double()
    else reader.skip(tag, HISTOGRAM_POINT)
  }
  reader.leave(outer)
  return point
}

export function readExponentialPoint(reader: Reader): ExponentialHistogramPoint {
  reader.budget.point()
  const outer = reader.enter()
  const attributes = new AttributeMap()
  const point: ExponentialHistogramPoint = {
    attributes: attributes.entries,
    startTimeUnixNano: 0n,
    timeUnixNano: 0n,
    count: 0,
    scale: 0,
    zeroCount: 0,
    positive: { offset: 0, bucketCounts: [] },
    negative: { offset: 0, bucketCounts: [] },
  }
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) readAttribute(reader, attributes, 1)
    else if (tag === 0x11) point.startTimeUnixNano = reader.fixed64()
    else if (tag === 0x19) point.timeUnixNano = reader.fixed64()
    else if (tag === 0x21) point.count = reader.count()
    else if (tag === 0x29) point.sum = reader.double()
    else if (tag === 0x30) point.scale = reader.sint32()
    else if (tag === 0x39) point.zeroCount = reader.count()
    else if (tag === 0x42) point.positive = readBuckets(reader)
    else if (tag === 0x4a) point.negative = readBuckets(reader)
    else if (tag === 0x50) point.flags = reader.uint32() || undefined
    else if (tag === 0x5a) {
      point.exemplars ??= []
      point.exemplars.push(readExemplar(reader))
    } else if (tag === 0x61) point.min = reader.double()
    else if (tag === 0x69) point.max = reader.double()
    else if (tag === 0x71) point.zeroThreshold = reader.double() || undefined
    else reader.skip(tag, EXPONENTIAL_POINT)
  }
  reader.leave(outer)
  return point
}

function readBuckets(reader: Reader): ExponentialHistogramPoint['positive'] {
  const outer = reader.enter()
  const bucketCounts: number[] = []
  let offset = 0
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x08) offset = reader.sint32()
    else if (tag === 0x12) readPacked(reader, bucketCounts, readVarint)
    else if (tag === 0x10) bucketCounts.push(reader.uint64())
    else reader.skip(tag, BUCKETS)
  }
  reader.leave(outer)
  return { offset, bucketCounts }
}

export function readSummaryPoint(reader: Reader): SummaryPoint {
  reader.budget.point()
  const outer = reader.enter()
  const attributes = new AttributeMap()
  const point: SummaryPoint = {
    attributes: attributes.entries,
    startTimeUnixNano: 0n,
    timeUnixNano: 0n,
    count: 0,
    sum: 0,
    quantiles: [],
  }
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x11) point.startTimeUnixNano = reader.fixed64()
    else if (tag === 0x19) point.timeUnixNano = reader.fixed64()
    else if (tag === 0x21) point.count = reader.count()
    else if (tag === 0x29) point.sum = reader.double()
    else if (tag === 0x32) point.quantiles.push(readQuantile(reader))
    else if (tag === 0x3a) readAttribute(reader, attributes, 1)
    else if (tag === 0x40) point.flags = reader.uint32() || undefined
    else reader.skip(tag, SUMMARY_POINT)
  }
  reader.leave(outer)
  return point
}

function readQuantile(reader: Reader): SummaryPoint['quantiles'][number] {
  reader.budget.item()
  const outer = reader.enter()
  const entry = { quantile: 0, value: 0 }
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x09) entry.quantile = reader.double()
    else if (tag === 0x11) entry.value = reader.double()
    else reader.skip(tag, QUANTILE)
  }
  reader.leave(outer)
  return entry
}

function readExemplar(reader: Reader): Exemplar {
  reader.budget.item()
  const outer = reader.enter()
  const attributes = new AttributeMap()
  const exemplar: Exemplar = { timeUnixNano: 0n, value: 0 }
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x11) exemplar.timeUnixNano = reader.fixed64()
    else if (tag === 0x19) exemplar.value = reader.double()
    else if (tag === 0x22) exemplar.spanId = reader.id(8) || undefined
    else if (tag === 0x2a) exemplar.traceId = reader.id(16) || undefined
    else if (tag === 0x31) exemplar.value = reader.sfixed64()
    else if (tag === 0x3a) readAttribute(reader, attributes, 1)
    else reader.skip(tag, EXEMPLAR)
  }
  if (attributes.count > 0) exemplar.attributes = attributes.entries
  reader.leave(outer)
  return exemplar
}

const readCount = (reader: Reader) => reader.count()
const readDouble = (reader: Reader) => reader.double()
const readVarint = (reader: Reader) => {
  // A bucket takes 8 bytes of memory and may take 1 of the body; the other packed numbers take 8 of both.
  reader.budget.item()
  return reader.uint64()
}

function readPacked(reader: Reader, into: number[], readOne: (reader: Reader) => number): void {
  const outer = reader.enter()
  while (reader.more()) into.push(readOne(reader))
  reader.leave(outer)
}
