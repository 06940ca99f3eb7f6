import type { Dice } from './dice.js'
import type { Journal } from './journal.js'
import type { World, WorldOptions } from './world.js'

/** What a row of the matrix works with while it runs. */
export interface Scene {
  readonly world: World
  readonly dice: Dice
  readonly journal: Journal
  /** One of them, and each once before one comes twice: for the kinds of a fault. One list a row. */
  inTurn<T>(kinds: readonly T[]): T
  /** How long the load runs, in ms. */
  readonly windowMs: number
  /** Beyond the two minutes of `npm test`: there is time for what takes long. */
  readonly thorough: boolean
  /** Operations that a long outage shall hold back. */
  readonly backlog: number
  /** Something that did not hold, in words: the row has failed. */
  fault(what: string): void
  /** Something worth a line in the document: what a named hole let through. */
  note(what: string): void
}

/**
 * One row of the fault matrix. While callers keep the services busy, `inject` is called again and again at random times; it lets a fault
 * happen, undoes it, and says in a word or two which it was. Then the oracle looks.
 */
export interface Row {
  /** As `--only` takes it. */
  readonly id: string
  /** As the document says it. */
  readonly title: string
  /** Operations a second. Default 300; 0: the row makes its own. */
  readonly rate?: number
  /** Longest pause between two injections, in ms. Default 600. */
  readonly pauseMs?: number
  /** `inject` is called a single time. */
  readonly once?: true
  /** Longest time that what was held back may take to arrive, in ms. Default 45,000: the longest timeout of a hop is 30 s. */
  readonly drainMs?: number
  /** A set of processes of its own, where the usual one would not do. */
  readonly world?: WorldOptions
  /** Why it cannot be run here, if it cannot. */
  unavailable?(): Promise<string | undefined>
  prepare?(scene: Scene): Promise<void>
  inject?(scene: Scene): Promise<string>
  /** Ends what `prepare` began; called whatever happened, before all is mended and the oracle looks. */
  restore?(scene: Scene): Promise<void>
  /** What else must hold, once everything has arrived. */
  check?(scene: Scene): Promise<void>
  /** With `confirm: 'collector'` this row may lose records, as long as each is found as a gap of its instance. */
  readonly namedHole?: true
}
