/** Everything that chance decides in a run comes from here, so that a seed replays it. */
export interface Dice {
  /** A number from 0 up to, but not including, 1. */
  next(): number
  /** A whole number, both ends included. */
  whole(least: number, most: number): number
  pick<T>(from: readonly T[]): T
  shuffle<T>(items: readonly T[]): T[]
  /** Gives all of them in some order, then all of them again: a few draws see every one. */
  bag<T>(items: readonly T[]): () => T
  /** Dice of their own for a part of the run: what one part throws does not move the throws of another. */
  fork(name: string): Dice
}

/** `mulberry32` over a hash of the seed: 32 bits of state are enough to choose faults, and fit in one line of print. */
export function rollingDice(seed: string): Dice {
  let state = hash(seed)
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const whole = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1))
  const shuffle = <T>(items: readonly T[]): T[] => {
    const mixed = [...items]
    for (let at = mixed.length - 1; at > 0; at -= 1) {
      const other = whole(0, at)
      ;[mixed[at], mixed[other]] = [mixed[other]!, mixed[at]!]
    }
    return mixed
  }
  return {
    next,
    whole,
    pick: (from) => from[whole(0, from.length - 1)]!,
    shuffle,
    bag(items) {
      let rest: (typeof items)[number][] = []
      return () => {
        if (rest.length === 0) rest = shuffle(items)
        return rest.pop()!
      }
    },
    fork: (name) => rollingDice(`${seed}/${name}`),
  }
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return value
}
