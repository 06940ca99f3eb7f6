import { cleanJson, cleanText, cutText } from './clean-text.js'
import type { OperationRow } from './operation-row.js'

/** Bytes of UTF-8; the numbers of docs/reference/record.md. */
const nameBytes = 512
const messageBytes = 8_192
const stackBytes = 32_768
const jsonBytes = 65_536

const dayUs = 86_400_000_000n
const maxInt8 = 2n ** 63n - 1n
const tracePattern = /^(?!0{32})[0-9a-f]{32}$/
const spanPattern = /^(?!0{16})[0-9a-f]{16}$/
const uuidPattern = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/

/** Between which start times a record is taken, in microseconds since 1970, both ends included. */
export type StartWindow = { fromUs: bigint; untilUs: bigint; retentionDays: number }

export const startWindow = (nowMs: number, retentionDays: number): StartWindow => {
  const nowUs = BigInt(Math.floor(nowMs)) * 1000n
  return { fromUs: nowUs - BigInt(retentionDays) * dayUs, untilUs: nowUs + dayUs, retentionDays }
}

type Normalized = { row: OperationRow; reason: null } | { row: OperationRow; reason: string }

const text = (value: string, maxBytes: number): string => cutText(cleanText(value), maxBytes)
const optional = (value: string | null, maxBytes: number): string | null =>
  value === null ? null : text(value, maxBytes)

const metadataOf = (json: string | null): string | null => {
  if (json === null) return null
  const clean = cleanJson(json)
  return Buffer.byteLength(clean) > jsonBytes ? '{"_dropped": "size"}' : clean
}

const refusal = (row: OperationRow, window: StartWindow): string | null => {
  if (!tracePattern.test(row.traceId)) return 'the trace ID is not 16 bytes, or all zero'
  if (!spanPattern.test(row.spanId)) return 'the span ID is not 8 bytes, or all zero'
  if (row.durationUs < 0n) return 'the end time is before the start time'
  if (row.durationUs > maxInt8) return 'the duration does not fit into 63 bits of microseconds'
  if (row.startedAtUs < window.fromUs)
    return `the start time is more than the retention of ${window.retentionDays} days back`
  if (row.startedAtUs > window.untilUs) return 'the start time is more than one day ahead'
  if (row.business !== null && Buffer.byteLength(row.business) > jsonBytes)
    return `the business values are larger than ${jsonBytes} bytes`
  return null
}

/**
 * The one place where limits and odd values of the contract are applied. `reason` tells why the record can never
 * become a row; the row is cleaned either way, so that every delivery of the same record is parked as the same text.
 */
export const normalizeRow = (input: OperationRow, window: StartWindow): Normalized => {
  const parent = input.parentSpanId?.toLowerCase() ?? null
  const instance = input.instance?.toLowerCase() ?? null
  const row: OperationRow = {
    startedAtUs: input.startedAtUs,
    traceId: input.traceId.toLowerCase(),
    spanId: input.spanId.toLowerCase(),
    parentSpanId: parent !== null && spanPattern.test(parent) ? parent : null,
    correlationId: text(input.correlationId, nameBytes),
    service: text(input.service, nameBytes),
    serviceVersion: optional(input.serviceVersion, nameBytes),
    operationService: text(input.operationService, nameBytes),
    operation: text(input.operation, nameBytes),
    userId: optional(input.userId, nameBytes),
    durationUs: input.durationUs,
    success: input.success,
    errorType: optional(input.errorType, nameBytes),
    errorMessage: optional(input.errorMessage, messageBytes),
    errorStack: optional(input.errorStack, stackBytes),
    metadata: metadataOf(input.metadata),
    business: input.business === null ? null : cleanJson(input.business),
    instance: instance !== null && uuidPattern.test(instance) ? instance : null,
    seq: input.seq !== null && input.seq >= 1n && input.seq <= maxInt8 ? input.seq : null,
  }
  return { row, reason: refusal(row, window) }
}
