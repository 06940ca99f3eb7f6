import { setTimeout as delay } from 'node:timers/promises'
import { RecorderError } from './errors.js'

/** The outcome of `work`, or `TL_DATABASE_AWAY` when it is not there in time. What is late goes on unseen. */
export const within = async <T>(work: Promise<T>, timeoutMs: number): Promise<T> => {
  const timeout = new AbortController()
  const late = delay(timeoutMs, undefined, { signal: timeout.signal, ref: false }).then(() => {
    throw new RecorderError('TL_DATABASE_AWAY', `no answer within ${timeoutMs} ms`)
  })
  late.catch(() => {})
  work.catch(() => {})
  try {
    return await Promise.race([work, late])
  } finally {
    timeout.abort()
  }
}
