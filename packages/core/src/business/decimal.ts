const DECIMAL = /^([+-]?)(\d{1,30})(?:\.(\d{1,18}))?$/

/** A decimal text as a whole number of its smallest unit: `'129.90'` at scale 2 is `12990n`. Undefined if it is none, or has too many places. */
export function toMinor(text: string, scale: number): bigint | undefined {
  const match = DECIMAL.exec(text)
  if (match === null) return undefined
  const [, sign, whole = '', places = ''] = match
  if (places.length > scale && /[1-9]/.test(places.slice(scale))) return undefined
  const minor = BigInt(whole + places.slice(0, scale).padEnd(scale, '0'))
  return sign === '-' ? -minor : minor
}

/** The other way: `12990n` at scale 2 is `'129.90'`. */
export function fromMinor(minor: bigint, scale: number): string {
  const digits = (minor < 0n ? -minor : minor).toString().padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  const sign = minor < 0n ? '-' : ''
  return scale === 0 ? `${sign}${whole}` : `${sign}${whole}.${digits.slice(-scale)}`
}

/** Exact sum of two decimal texts. */
export function sumDecimals(a: string, b: string): string {
  const scale = Math.max(places(a), places(b))
  return fromMinor((toMinor(a, scale) ?? 0n) + (toMinor(b, scale) ?? 0n), scale)
}

function places(text: string): number {
  const dot = text.indexOf('.')
  return dot < 0 ? 0 : text.length - dot - 1
}

/** A finite number as a decimal text without exponent; undefined for one that has none of at most 18 places. */
export function decimalText(value: number): string | undefined {
  const text = withoutExponent(String(value))
  return DECIMAL.test(text) ? text : undefined
}

/** `1e-7` is `0.0000001`, `1.5e21` is `1500000000000000000000`: JavaScript writes very small and very large numbers so. */
function withoutExponent(text: string): string {
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text)
  if (match === null) return text
  const [, sign, whole = '', places = '', exponent] = match
  const digits = whole + places
  const dot = 1 + Number(exponent)
  if (dot <= 0) return `${sign}0.${'0'.repeat(-dot)}${digits}`
  return sign + digits.padEnd(dot, '0')
}
