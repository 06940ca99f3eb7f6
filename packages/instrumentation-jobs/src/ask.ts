import { JobsError } from './errors.js'
import { steady } from './time.js'

/** So many limits after it began, an answer that never came is given up, and the next question may be asked. */
const PATIENCE = 10

/**
 * Asks a question of the user's, with a limit, and never while the last one is still being answered: a database that hangs gets no second
 * one on top. An answer that comes after the limit is dropped.
 */
export function asking<T>(ask: () => T | Promise<T>, timeoutMs: number): () => Promise<T> {
  let since: number | undefined
  return async () => {
    const now = steady()
    if (since !== undefined && now - since < PATIENCE * timeoutMs)
      throw new JobsError('TL_JOBS_TIMEOUT', `state has not answered for ${Math.round(now - since)} ms`)
    since = now
    const answer = (async () => ask())()
    const over = Promise.withResolvers<never>()
    const timer = setTimeout(
      () => over.reject(new JobsError('TL_JOBS_TIMEOUT', `state did not answer within ${timeoutMs} ms`)),
      timeoutMs,
    )
    timer.unref()
    const settled = (): void => {
      if (since === now) since = undefined
    }
    answer.then(settled, settled)
    try {
      return await Promise.race([answer, over.promise])
    } finally {
      clearTimeout(timer)
    }
  }
}
