import type { AttributeValue } from './record-span.js'

/** JSON text of an OTLP value. 64-bit integers keep every digit, NaN and infinities become strings, bytes base64. */
export const jsonText = (value: AttributeValue): string => {
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'bigint') return value.toString()
  // JavaScript writes a finite number as JSON does.
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : `"${value}"`
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'))
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`
  if (typeof value === 'object' && value !== null) return objectText(Object.entries(value))
  return JSON.stringify(value ?? null)
}

/** Beyond this a call into C++ is faster than a look at each character. */
const shortText = 48

/** Nearly every text is short ASCII with nothing to escape. */
const quoted = (text: string): string => {
  if (text.length > shortText) return JSON.stringify(text)
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code < 32 || code > 126 || code === 34 || code === 92) return JSON.stringify(text)
  }
  return `"${text}"`
}

const objectText = (entries: readonly (readonly [string, AttributeValue])[]): string =>
  `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${jsonText(value)}`).join(',')}}`
