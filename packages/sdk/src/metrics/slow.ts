/** `p99`: the slowest hundredth of each kind of operation; a number: what took longer, in ms; false: nothing. */
export type KeepSlow = 'p99' | number | false

/*
 * The running p99 is one number, moved by every call: up by a factor when the call was longer, down by a much smaller one when it was not.
 * It rests where one call in a hundred is longer, whatever the distribution, and follows it when it changes. Of n calls at most
 * n / 100 + ln(highest / first limit) / STEP are taken for slow: a service that becomes ten times slower keeps 46 calls, not all of them.
 */
const STEP = 0.05
const UP = Math.exp(STEP * 0.99)
const DOWN = Math.exp(-STEP * 0.01)
/** What 99 % means cannot be said of fewer calls. */
const WARM_UP = 100
/** A microsecond, in ms: a clock that stands still would else leave a limit that no factor moves. */
const LEAST_MS = 0.001

export interface SlowLimit {
  seen: number
  limitMs: number
  /** The longest of the warm-up: often the very first call, before the code was hot, and so not where the limit begins. */
  longestMs: number
}

export function slowLimit(): SlowLimit {
  return { seen: 0, limitMs: LEAST_MS, longestMs: LEAST_MS }
}

/** Whether a call of this duration is slow for its kind; takes the call into account. */
export function isSlow(of: SlowLimit, durationMs: number, keepSlow: KeepSlow): boolean {
  if (keepSlow !== 'p99') return keepSlow !== false && durationMs > keepSlow
  if (of.seen < WARM_UP) {
    of.seen += 1
    if (durationMs > of.longestMs) {
      of.limitMs = of.longestMs
      of.longestMs = durationMs
    } else if (durationMs > of.limitMs) of.limitMs = durationMs
    return false
  }
  if (durationMs > of.limitMs) {
    of.limitMs *= UP
    return true
  }
  if (of.limitMs > LEAST_MS) of.limitMs *= DOWN
  return false
}
