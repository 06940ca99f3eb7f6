/** An exact number; `d` is positive. */
export type Fraction = { n: bigint; d: bigint }

const DECIMAL = /^(-?)(\d{1,30})(?:\.(\d{1,18}))?$/

/** Exact, from a decimal text such as `129.90`; undefined for anything else. */
export const fractionOf = (text: string): Fraction | undefined => {
  const match = DECIMAL.exec(text)
  if (match === null) return undefined
  const [, sign, whole = '', places = ''] = match
  const n = BigInt(whole + places)
  return { n: sign === '-' ? -n : n, d: 10n ** BigInt(places.length) }
}

export const plus = (a: Fraction, b: Fraction): Fraction => ({ n: a.n * b.d + b.n * a.d, d: a.d * b.d })

export const times = (a: Fraction, b: Fraction): Fraction => ({ n: a.n * b.n, d: a.d * b.d })

/** Undefined when `b` is zero. */
export const over = (a: Fraction, b: Fraction): Fraction | undefined =>
  b.n === 0n ? undefined : b.n > 0n ? { n: a.n * b.d, d: a.d * b.n } : { n: -a.n * b.d, d: -a.d * b.n }

const magnitude = (n: bigint): bigint => (n < 0n ? -n : n)

/** True if `a` and `b` are no further apart than half of `unit`. */
export const agrees = (a: Fraction, b: Fraction, unit: Fraction): boolean => {
  const difference = plus(a, { n: -b.n, d: b.d })
  return magnitude(difference.n) * 2n * unit.d <= unit.n * difference.d
}

/** With exactly so many places, rounded once, half away from zero. */
export const fixed = ({ n, d }: Fraction, places: number): string => {
  const rounded = (2n * magnitude(n) * 10n ** BigInt(places) + d) / (2n * d)
  const digits = rounded.toString().padStart(places + 1, '0')
  const whole = digits.slice(0, digits.length - places)
  const text = places === 0 ? whole : `${whole}.${digits.slice(-places)}`
  return n < 0n && rounded > 0n ? `-${text}` : text
}

/** With at most so many places, without zeros at the end. */
export const short = (value: Fraction, places: number): string => {
  const text = fixed(value, places)
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}
