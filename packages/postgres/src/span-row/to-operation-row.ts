import type { DeadLetter, OperationRow } from '../operation-row.js'
import { instanceOf, integerOf, numberingOf, spanText, textOf } from './attributes.js'
import { jsonText } from './json-text.js'
import type { Attributes, RecordSpan } from './record-span.js'

type Mapped = { row: OperationRow; letter?: never } | { letter: DeadLetter; row?: never }

// Beyond a thousand digits Postgres's numeric begins to have limits of its own.
const decimalPattern = /^-?\d{1,1000}(?:\.\d{1,1000})?$/

/**
 * The row of one span, by the table "From span to column" of docs/reference/record.md, or the reason why it can never
 * have one. IDs, sizes and the window of start times are checked by the writer.
 */
export const toOperationRow = (span: RecordSpan, resource: Attributes): Mapped => {
  const business = textOf(span.attributes['throughline.business'])
  const reason = refusal(span, business)
  if (reason !== null)
    return {
      letter: { reason, sqlState: null, body: spanText(span, resource), ...numberingOf(span, resource) },
    }

  const service = textOf(resource['service.name']) ?? 'unknown_service'
  const dot = span.name.lastIndexOf('.')
  const exception = exceptionOf(span)
  // One shape of object for all rows: whatever reads them later is faster by that.
  const row: OperationRow = {
    startedAtUs: span.startTimeUnixNano / 1000n,
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId ?? null,
    correlationId: textOf(span.attributes['correlation.id']) ?? span.traceId,
    service,
    serviceVersion: textOf(resource['service.version']),
    operationService:
      textOf(span.attributes['operation.service']) ?? (dot < 0 ? service : span.name.slice(0, dot)),
    operation: textOf(span.attributes['operation.name']) ?? span.name.slice(dot + 1),
    userId: textOf(span.attributes['user.id']),
    durationUs: (span.endTimeUnixNano - span.startTimeUnixNano) / 1000n,
    success: span.status?.code !== 2,
    errorType: textOf(span.attributes['error.type']) ?? textOf(exception['exception.type']),
    errorMessage: textOf(exception['exception.message']) ?? textOf(span.status?.message),
    errorStack: textOf(exception['exception.stacktrace']),
    metadata: metadataOf(span.attributes),
    business,
    instance: instanceOf(span.attributes['throughline.instance'], resource['service.instance.id']),
    seq: integerOf(span.attributes['throughline.seq']),
  }
  if (span.attributes['throughline.in_tx'] === true) row.inTx = true
  return { row }
}

const none: Attributes = {}

const exceptionOf = (span: RecordSpan): Attributes =>
  span.events?.findLast((event) => event.name === 'exception')?.attributes ?? none

const refusal = (span: RecordSpan, business: string | null): string | null => {
  if (span.startTimeUnixNano === 0n) return 'the start time is missing'
  if (span.endTimeUnixNano === 0n) return 'the end time is missing'
  if (span.endTimeUnixNano < span.startTimeUnixNano) return 'the end time is before the start time'
  if (business !== null && !isBusiness(business))
    return 'throughline.business is not a JSON array of {"name": string, "labels": {string: string}, "value": decimal string}'
  return null
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const parsed = (json: string): unknown => {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

const isBusiness = (json: string): boolean => {
  const values = parsed(json)
  return (
    Array.isArray(values) &&
    values.every(
      (entry: unknown) =>
        isRecord(entry) &&
        typeof entry.name === 'string' &&
        isRecord(entry.labels) &&
        Object.values(entry.labels).every((label) => typeof label === 'string') &&
        typeof entry.value === 'string' &&
        decimalPattern.test(entry.value),
    )
  )
}

const prefix = 'metadata.'

/**
 * The keys are joined as text, not parsed and written again, so that no digit of a number is lost; of a key that stands
 * in both, jsonb keeps the later one. A `metadata` that is no JSON object is kept under `_invalid`.
 */
const metadataOf = (attributes: Attributes): string | null => {
  const nested = attributes.metadata
  let flat = ''
  for (const key in attributes) {
    if (!key.startsWith(prefix)) continue
    const entry = `${keyText(key)}:${jsonText(attributes[key] ?? null)}`
    flat = flat === '' ? entry : `${flat},${entry}`
  }
  if (nested === undefined || nested === null) return flat === '' ? null : `{${flat}}`
  if (typeof nested !== 'string' || !isRecord(parsed(nested)))
    return `{"_invalid":${jsonText(nested)}${flat === '' ? '' : ','}${flat}}`
  if (flat === '') return nested
  const inner = nested.trim().slice(1, -1).trim()
  return `{${inner}${inner === '' ? '' : ','}${flat}}`
}

const maxKeys = 1_000
const keyTexts = new Map<string, string>()

/** The JSON text of a key without the prefix. A service has few, and each comes with every record. */
const keyText = (key: string): string => {
  const known = keyTexts.get(key)
  if (known !== undefined) return known
  const text = JSON.stringify(key.slice(prefix.length))
  if (keyTexts.size >= maxKeys) keyTexts.clear()
  // A copy: a slice would hold on to whatever the key was cut from.
  if (key.length <= 512) keyTexts.set(Buffer.from(key).toString(), text)
  return text
}
