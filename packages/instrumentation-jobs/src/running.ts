import { Peak } from './peak.js'

interface OfType {
  taken: number
  /** Of those, being launched: taken, its container not yet running. */
  launching: number
}

/** The jobs that this process has right now. */
export class Running {
  readonly peak = new Peak()
  /** A type stays once it was here: a series that ends at its last value would look as if the job went on. */
  readonly #types = new Map<string, OfType>()

  get count(): number {
    return this.peak.current
  }

  take(type: string): void {
    this.#of(type).taken += 1
    this.peak.change(1)
  }

  leave(type: string): void {
    this.#of(type).taken -= 1
    this.peak.change(-1)
  }

  launching(type: string, by: 1 | -1): void {
    this.#of(type).launching += by
  }

  /** Each type with its jobs that run. */
  *active(): Generator<[type: string, count: number]> {
    for (const [type, { taken, launching }] of this.#types) yield [type, taken - launching]
  }

  #of(type: string): OfType {
    let found = this.#types.get(type)
    if (found === undefined) {
      found = { taken: 0, launching: 0 }
      this.#types.set(type, found)
    }
    return found
  }
}
