import { appendFileSync } from 'node:fs'

/**
 * What the callers know of one row of the matrix: which operations they asked for and which came back completed. It lives in the process
 * of the callers and in a file, and knows nothing of what measures. An operation that was asked for and whose answer broke off is in
 * doubt: its row may be there, once, or not.
 */
export interface Journal {
  /** Begins the correlation ID of each operation; the rest is its number. */
  readonly prefix: string
  /** The number of a new operation. */
  ask(): number
  completed(number: number): void
  /** The operation was never handed over: the service was not there. */
  withdraw(number: number): void
  readonly asked: number
  readonly completions: number
  stateOf(number: number): 'unknown' | 'doubt' | 'completed'
  /** Numbers of all completed operations. */
  numbers(): Generator<number>
}

const DOUBT = 1
const COMPLETED = 2

export function openJournal(prefix: string, file: string): Journal {
  let states = new Uint8Array(4_096)
  let asked = 0
  let completions = 0
  let lines: string[] = []

  // A turn of the event loop at a time: one write a line would slow the callers down, who are measured.
  function line(text: string): void {
    if (lines.push(text) === 1)
      setImmediate(() => {
        appendFileSync(file, lines.join(''))
        lines = []
      })
  }

  return {
    prefix,
    ask() {
      if (asked === states.length) {
        const larger = new Uint8Array(states.length * 2)
        larger.set(states)
        states = larger
      }
      states[asked] = DOUBT
      asked += 1
      return asked - 1
    },
    completed(number) {
      if (states[number] === COMPLETED) return
      states[number] = COMPLETED
      completions += 1
      line(`${prefix}${number}\n`)
    },
    withdraw(number) {
      if (states[number] === DOUBT) states[number] = 0
    },
    get asked() {
      return asked
    },
    get completions() {
      return completions
    },
    stateOf(number) {
      const state = number < asked ? states[number] : undefined
      return state === COMPLETED ? 'completed' : state === DOUBT ? 'doubt' : 'unknown'
    },
    *numbers() {
      for (let number = 0; number < asked; number += 1) if (states[number] === COMPLETED) yield number
    },
  }
}

/** What the service does with an operation of this number, which the callers know beforehand and the oracle looks up in the row. */
export function expectedOf(number: number): { success: boolean; cents: number } {
  return { success: number % 10 !== 3, cents: number % 4 === 0 ? 25 : 0 }
}
