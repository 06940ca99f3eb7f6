import type { AttributeValue } from './record-span.js'

/** JSON text of an OTLP value. 64-bit integers keep every digit, NaN and infinities become strings, bytes base64. */
export const jsonText = (value: AttributeValue): string => {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number') return Number.isFinite(value) ? JSON.stringify(value) : `"${value}"`
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'))
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`
  if (typeof value === 'object' && value !== null) return objectText(Object.entries(value))
  return JSON.stringify(value ?? null)
}

export const objectText = (entries: readonly (readonly [string, AttributeValue])[]): string =>
  `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${jsonText(value)}`).join(',')}}`
