import { hashSecret } from '@throughline/postgres/tokens'
import { RecorderError } from './errors.js'

export type Attempts = {
  /** Notes a wrong token from an address; throws `TL_TOO_MANY_ATTEMPTS` when there were too many different ones. */
  fail: (address: string, secret: string) => void
  /** Throws `TL_TOO_MANY_ATTEMPTS` when too many different wrong tokens came from the address. */
  assertFew: (address: string) => void
}

/** Who guesses sends thousands of them. Who has an old token, or one that is not known yet, sends the same again. */
const maxDifferent = 20
const windowMs = 60_000
/** Addresses that are remembered, with twenty short hashes each: some ten megabytes. Beyond it the oldest is forgotten. */
const maxAddresses = 10_000

type Entry = { wrong: Set<string>; until: number }

/** Counts different wrong tokens by address, over a minute from the first one on. */
export const createAttempts = (): Attempts => {
  const entries = new Map<string, Entry>()

  const current = (address: string): Entry | undefined => {
    const entry = entries.get(address)
    if (entry === undefined || entry.until > performance.now()) return entry
    entries.delete(address)
    return undefined
  }
  const added = (address: string): Entry => {
    const [oldest] = entries.keys()
    if (entries.size >= maxAddresses && oldest !== undefined) entries.delete(oldest)
    const entry = { wrong: new Set<string>(), until: performance.now() + windowMs }
    entries.set(address, entry)
    return entry
  }
  const assertFew = (address: string): void => {
    const entry = current(address)
    if (entry === undefined || entry.wrong.size <= maxDifferent) return
    throw new RecorderError('TL_TOO_MANY_ATTEMPTS', 'too many wrong tokens came from this address', {
      retryAfterSeconds: Math.max(1, Math.ceil((entry.until - performance.now()) / 1000)),
    })
  }
  return {
    assertFew,
    fail(address, secret) {
      const { wrong } = current(address) ?? added(address)
      if (wrong.size <= maxDifferent) wrong.add(hashSecret(secret).toString('base64url').slice(0, 12))
      assertFew(address)
    },
  }
}
