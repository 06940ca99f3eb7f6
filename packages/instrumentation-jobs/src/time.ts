/** Longer than any text of a time, which is not parsed. */
const MAX_TEXT = 64

/** The last moment that a Date can hold. */
const LAST = 8.64e15

/** Milliseconds since 1970 of what is given as a time; undefined for what is none. */
export function toMillis(value: unknown): number | undefined {
  const millis =
    value instanceof Date
      ? value.getTime()
      : typeof value === 'string'
        ? Date.parse(value.slice(0, MAX_TEXT))
        : typeof value === 'number'
          ? value
          : Number.NaN
  return Number.isFinite(millis) && Math.abs(millis) <= LAST ? millis : undefined
}

/** Milliseconds of a clock that nobody sets. */
export function steady(): number {
  return performance.now()
}

/** Microseconds are enough for a figure in a row. */
export function rounded(millis: number): number {
  return Math.round(millis * 1_000) / 1_000
}
