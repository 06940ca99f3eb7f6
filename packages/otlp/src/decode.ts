import { readMetricsRequest } from './decode-metrics.js'
import { readTracesRequest } from './decode-traces.js'
import { JsonReader, parseJson } from './json.js'
import { jsonMetricsRequest } from './json-metrics.js'
import { jsonTracesRequest } from './json-traces.js'
import { Budget, type DecodeLimits } from './limits.js'
import type { ResourceMetrics } from './metric-types.js'
import { Reader } from './reader.js'
import type { ResourceSpans } from './types.js'

/**
 * Decodes an `ExportTraceServiceRequest`. Optional fields that are empty, zero or (an ID) all zero are `undefined`;
 * a trace or span ID of that sort is `''`. What is not known is passed over. Nothing answered refers to `body`.
 * @throws OtlpError and nothing else, whatever the bytes are
 */
export function decodeTraces(
  body: Uint8Array,
  format: 'protobuf' | 'json',
  limits?: DecodeLimits,
): ResourceSpans[] {
  const budget = new Budget(limits, body.byteLength)
  if (format === 'protobuf') return readTracesRequest(new Reader(body, budget))
  const json = new JsonReader(budget)
  return jsonTracesRequest(json, json.object(parseJson(body, budget)))
}

/** Decodes an `ExportMetricsServiceRequest`, as `decodeTraces` does its request. */
export function decodeMetrics(
  body: Uint8Array,
  format: 'protobuf' | 'json',
  limits?: DecodeLimits,
): ResourceMetrics[] {
  const budget = new Budget(limits, body.byteLength)
  if (format === 'protobuf') return readMetricsRequest(new Reader(body, budget))
  const json = new JsonReader(budget)
  return jsonMetricsRequest(json, json.object(parseJson(body, budget)))
}
