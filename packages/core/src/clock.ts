/** A clock step larger than this (NTP, sleep of a laptop) moves the anchor; smaller ones are left to the steady clock. */
const MAX_DRIFT_MS = 50

let offsetMs = performance.timeOrigin

/** The steady clock, in milliseconds: for durations. */
export function steadyMs(): number {
  return performance.now()
}

/** Wall clock of a steady reading, old or new, in nanoseconds since 1970, with the steady clock's resolution. */
export function unixNano(steady: number): bigint {
  // Compared by readings of this moment: an old one would look like a step of the clock.
  const wall = Date.now()
  const now = performance.now()
  if (Math.abs(wall - (offsetMs + now)) > MAX_DRIFT_MS) offsetMs = wall - now
  return millisToNano(offsetMs + steady)
}

/** Milliseconds (any fraction) to whole nanoseconds. A double holds today's epoch in ms to 0.25 us, so no digit is made up. */
export function millisToNano(ms: number): bigint {
  const whole = Math.floor(ms)
  return BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1_000_000))
}
