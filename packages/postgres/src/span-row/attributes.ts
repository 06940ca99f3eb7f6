import { jsonText } from './json-text.js'
import type { Attributes, AttributeValue, RecordSpan } from './record-span.js'

const uuidPattern = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i
const maxInt8 = 2n ** 63n - 1n

/** Text of a text or number; numbers as their decimal digits. An empty text counts as absent, like every OTLP default. */
export const textOf = (value: AttributeValue | undefined): string | null => {
  if (typeof value === 'string') return value === '' ? null : value
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'number') return null
  return Number.isInteger(value) ? BigInt(value).toString() : String(value)
}

export const integerOf = (value: AttributeValue | undefined): bigint | null => {
  if (typeof value === 'bigint') return value
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : null
}

let lastInstance = ''

export const instanceOf = (...candidates: (AttributeValue | undefined)[]): string | null => {
  for (const value of candidates) {
    // The records of one request are of one instance, as a rule.
    if (value === lastInstance && value !== '') return value
    const text = textOf(value)
    if (text === null || !uuidPattern.test(text)) continue
    lastInstance = text
    return text
  }
  return null
}

/** Which number of which instance this record is, as far as it says so: a parked record counts as delivered, too. */
export const numberingOf = (
  span: RecordSpan,
  resource: Attributes,
): { instance: string | null; seq: bigint | null } => {
  const seq = integerOf(span.attributes['throughline.seq'])
  return {
    instance:
      instanceOf(span.attributes['throughline.instance'], resource['service.instance.id'])?.toLowerCase() ??
      null,
    seq: seq !== null && seq >= 1n && seq <= maxInt8 ? seq : null,
  }
}

/** The whole record as it came, for `dead_letter`: the same text for every delivery. */
export const spanText = (
  span: RecordSpan & { links?: readonly unknown[] | undefined },
  resource: Attributes,
): string =>
  jsonText({
    resource,
    span: { ...span, events: span.events ?? [], links: span.links ?? [] } as unknown as AttributeValue,
  })
