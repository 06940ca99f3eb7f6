import { RecorderError } from '../errors.js'
import { plural } from '../plural.js'

export type Coalesce = {
  /** What `work` resolves with, for this key: its own run, one that is under way, or one of the last second. */
  <T>(key: string, work: () => Promise<T>): Promise<T>
  /** Questions under way. */
  running: () => number
}

type Entry = { answer: Promise<unknown>; expires: number }

/**
 * Fifty consoles with the same page are one query a second. Faults are not kept. Beyond `maxRunning` different
 * questions at a time a further one is refused (`TL_RECORDER_BUSY`): a queue that nobody waits for helps nobody.
 */
export const createCoalesce = (options: { ttlMs: number; maxRunning: number; maxKept: number }): Coalesce => {
  const entries = new Map<string, Entry>()
  let running = 0

  const forget = (now: number): void => {
    for (const [key, entry] of entries) {
      // In the order of their start: the first that is fresh ends the walk, unless there are too many.
      if (entry.expires > now && entries.size <= options.maxKept) return
      entries.delete(key)
    }
  }

  const ask = <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const now = performance.now()
    const known = entries.get(key)
    if (known !== undefined && known.expires > now) return known.answer as Promise<T>
    if (running >= options.maxRunning)
      throw new RecorderError(
        'TL_RECORDER_BUSY',
        `${plural(running, 'question is', 'questions are')} under way; ask again in a moment`,
      )
    entries.delete(key)
    forget(now)
    running += 1
    const answer = work().finally(() => {
      running -= 1
    })
    const entry: Entry = { answer, expires: Number.POSITIVE_INFINITY }
    entries.set(key, entry)
    answer.then(
      () => {
        entry.expires = performance.now() + options.ttlMs
      },
      () => {
        if (entries.get(key) === entry) entries.delete(key)
      },
    )
    return answer
  }
  return Object.assign(ask, { running: () => running })
}
