/** A peak of the metric is shown for one to two of these: any reader that comes once a minute sees each. */
const WINDOW_MS = 60_000

/** How many at once, and the highest that it was: kept at every change, so no sampling misses it. */
export class Peak {
  current = 0
  readonly #now: () => number
  #sinceTaken = 0
  #window = 0
  #inWindow = 0
  #before = 0

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  change(by: 1 | -1): void {
    this.#roll()
    this.current += by
    if (this.current > this.#inWindow) this.#inWindow = this.current
    if (this.current > this.#sinceTaken) this.#sinceTaken = this.current
  }

  /** The highest since this was last asked. */
  take(): number {
    const peak = this.#sinceTaken
    this.#sinceTaken = this.current
    return peak
  }

  /** The highest of the minute that runs and the one before; asking changes nothing, so any number of readers may. */
  recent(): number {
    this.#roll()
    return Math.max(this.#inWindow, this.#before)
  }

  #roll(): void {
    const window = Math.floor(this.#now() / WINDOW_MS)
    if (window === this.#window) return
    this.#before = window === this.#window + 1 ? this.#inWindow : this.current
    this.#inWindow = this.current
    this.#window = window
  }
}
