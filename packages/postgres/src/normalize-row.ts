import { cleanJson, cleanText, cutText } from './clean-text.js'
import type { OperationRow } from './operation-row.js'

/** Bytes of UTF-8; the numbers of docs/reference/record.md. */
const nameBytes = 512
const messageBytes = 8_192
const stackBytes = 32_768
const jsonBytes = 65_536

const dayUs = 86_400_000_000n
const maxInt8 = 2n ** 63n - 1n

// Up to five IDs a row: a loop over a table takes a third of the time of a regular expression.
const hexDigits = new Uint8Array(128)
for (const digit of '0123456789abcdef') hexDigits[digit.charCodeAt(0)] = 1

const isHex = (text: string, from: number, until: number): boolean => {
  for (let at = from; at < until; at += 1) if (hexDigits[text.charCodeAt(at)] !== 1) return false
  return true
}
const isTraceId = (text: string): boolean =>
  text.length === 32 && isHex(text, 0, 32) && text !== '00000000000000000000000000000000'
const isSpanId = (text: string): boolean =>
  text.length === 16 && isHex(text, 0, 16) && text !== '0000000000000000'
const isUuid = (text: string): boolean => {
  if (text.length !== 36 || !isHex(text, 0, 8)) return false
  for (const dash of [8, 13, 18, 23]) if (text[dash] !== '-' || !isHex(text, dash + 1, dash + 5)) return false
  return isHex(text, 28, 36)
}

/** Between which start times a record is taken, in microseconds since 1970, both ends included. */
export type StartWindow = { fromUs: bigint; untilUs: bigint; retentionDays: number }

export const startWindow = (nowMs: number, retentionDays: number): StartWindow => {
  const nowUs = BigInt(Math.floor(nowMs)) * 1000n
  return { fromUs: nowUs - BigInt(retentionDays) * dayUs, untilUs: nowUs + dayUs, retentionDays }
}

type Identity = { instance?: string | null; seq?: bigint | null }

/** Instance and number as they can be stored, or null. */
const identityOf = ({ instance, seq }: Identity): { instance: string | null; seq: bigint | null } => {
  const uuid = instance?.toLowerCase() ?? null
  return {
    instance: uuid !== null && isUuid(uuid) ? uuid : null,
    seq: seq != null && seq >= 1n && seq <= maxInt8 ? seq : null,
  }
}

export const withIdentity = <T extends Identity>(record: T): T & ReturnType<typeof identityOf> => ({
  ...record,
  ...identityOf(record),
})

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
  if (!isTraceId(row.traceId)) return 'the trace ID is not 16 bytes, or all zero'
  if (!isSpanId(row.spanId)) return 'the span ID is not 8 bytes, or all zero'
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
  const { instance, seq } = identityOf(input)
  const row: OperationRow = {
    startedAtUs: input.startedAtUs,
    traceId: input.traceId.toLowerCase(),
    spanId: input.spanId.toLowerCase(),
    parentSpanId: parent !== null && isSpanId(parent) ? parent : null,
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
    instance,
    seq,
  }
  if (input.inTx === true) row.inTx = true
  return { row, reason: refusal(row, window) }
}
