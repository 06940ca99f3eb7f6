import { timingSafeEqual } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import {
  hashSecret,
  roleOfSecret,
  type TokenRole,
  touchTokens,
  type ValidToken,
  validTokens,
} from '@throughline/postgres/tokens'
import type { FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import { createAttempts } from './attempts.js'
import type { Counters } from './counters.js'
import type { Database } from './database.js'
import { faultCode, RecorderError } from './errors.js'
import type { FaultLog } from './fault-log.js'
import type { Settings } from './options.js'
import { within } from './within.js'

export type Auth = {
  /** Takes records: what it does not know is repeated by the sender, never dropped. `admin` may always. */
  ingest: onRequestAsyncHookHandler
  /** For everything that only asks. `admin` may always. */
  only: (...roles: TokenRole[]) => onRequestAsyncHookHandler
  /** The role that a request was let in with; `admin` where no tokens are asked for. */
  roleOf: (request: FastifyRequest) => TokenRole
  /** Notes which tokens were used since the last time. */
  close: () => Promise<void>
}

// Records of a sender that was refused too often are to be repeated like those of any wrong token.
const orUnknown = (error: unknown): undefined => {
  if (error instanceof RecorderError && error.code === 'TL_TOO_MANY_ATTEMPTS') return undefined
  throw error
}

// A token that was made a moment ago is looked for at once; whoever sends rubbish does not make more lookups than this, and does not wait
// again for a token that was just looked for.
const minLookupIntervalMs = 250
const unknownForMs = 1_000
const maxUnknown = 1_000
const touchIntervalMs = 60_000

/**
 * The hashes of the valid tokens lie in memory and are read again every `tokenRefreshMs`, so that making and revoking
 * one needs no restart, and Postgres is asked nothing while a request is checked. A bearer that is not among them has
 * them read once more, at most four times a second, and waits for that. While Postgres is away the last known ones hold.
 *
 * The way in is special: OpenTelemetry Collectors drop what is answered 401 or 403 and repeat what is answered 503. So
 * there a bearer that is not valid (revoked, of another role, not yet known, an empty variable) is answered 503 before a
 * byte of the body is looked at, and counted: a token that is changed in the wrong order loses nothing. A sender without
 * any bearer never had the right to send, and gets 401.
 */
export const createAuth = (
  settings: Settings,
  database: Database,
  counters: Counters,
  log: FaultLog,
): Auth => {
  if (settings.auth === 'off') {
    const pass = async (): Promise<void> => {}
    return { ingest: pass, only: () => pass, roleOf: () => 'admin', close: pass }
  }

  let tokens: readonly ValidToken[] | undefined
  let lookedUpAt = Number.NEGATIVE_INFINITY
  let looking: Promise<void> | undefined
  let touchedAt = Date.now()
  const used = new Set<string>()
  const known = new Set<string>()
  const attempts = createAttempts()
  const roles = new WeakMap<FastifyRequest, TokenRole>()

  const touch = async (): Promise<void> => {
    touchedAt = Date.now()
    const ids = [...used]
    used.clear()
    if (ids.length > 0) await touchTokens(database.pool, ids)
  }

  const lookUp = async (): Promise<void> => {
    lookedUpAt = performance.now()
    try {
      database.assertReady()
      tokens = await validTokens(database.pool)
      if (Date.now() - touchedAt >= touchIntervalMs) await touch()
    } catch (error) {
      if (!(error instanceof RecorderError))
        log('tokens', `the tokens cannot be read, the last known ones hold (${faultCode(error)})`)
    }
  }
  // One at a time: with a Postgres that hangs, each would hold a connection.
  const refresh = (): Promise<void> => {
    looking ??= lookUp().finally(() => {
      looking = undefined
    })
    return looking
  }
  let coming: Promise<void> | undefined
  let closed = false
  const unknown = new Map<string, number>()

  /** Resolves when a lookup that began after the call has ended: what was made before the call is known then. */
  const lookUpAnew = (): Promise<void> => {
    coming ??= (async () => {
      await looking
      const restMs = lookedUpAt + minLookupIntervalMs - performance.now()
      if (restMs > 0) await delay(restMs, undefined, { ref: false })
      coming = undefined
      if (!closed) await refresh()
    })()
    return coming
  }

  /** Looks a secret up that is not among the tokens in memory; one that was not there a moment ago is not looked for again. */
  const findAnew = async (secret: string): Promise<ValidToken | undefined> => {
    const key = hashSecret(secret).toString('base64')
    const seenAt = unknown.get(key)
    if (seenAt !== undefined && performance.now() - seenAt < unknownForMs) return undefined
    await within(lookUpAnew(), settings.healthTimeoutMs + minLookupIntervalMs).catch(() => {})
    const token = find(secret)
    if (unknown.size >= maxUnknown) unknown.clear()
    if (token === undefined) unknown.set(key, performance.now())
    else unknown.delete(key)
    return token
  }
  const timer = setInterval(() => void refresh(), settings.tokenRefreshMs)
  timer.unref()
  void database.whenReady.then(refresh)

  const find = (secret: string): ValidToken | undefined => {
    const hash = hashSecret(secret)
    const now = Date.now()
    let found: ValidToken | undefined
    // Every one is compared, in constant time: how long it takes tells nothing about how near a guess was.
    for (const token of tokens ?? []) if (timingSafeEqual(token.hash, hash)) found = token
    return found !== undefined && (found.expiresAt === null || found.expiresAt.getTime() > now)
      ? found
      : undefined
  }

  /** The token of the request; undefined for a bearer that is not valid. Throws when there is none at all. */
  const identify = async (request: FastifyRequest): Promise<ValidToken | undefined> => {
    const header = request.headers.authorization
    if (header === undefined)
      throw new RecorderError('TL_TOKEN_MISSING', 'this needs a token: authorization: Bearer tl_…')
    const secret = /^Bearer +(\S+) *$/i.exec(header)?.[1]
    const wellFormed = secret !== undefined && roleOfSecret(secret) !== undefined
    let token = wellFormed ? find(secret) : undefined
    if (wellFormed && token === undefined) {
      // Who guessed too often is not even looked for.
      attempts.assertFew(request.ip)
      token = await findAnew(secret)
    }
    if (wellFormed && token === undefined && tokens === undefined)
      throw new RecorderError('TL_DATABASE_AWAY', 'the tokens were not read yet')
    // Who guesses from an address that guessed too often learns nothing; a token that worked before goes on working.
    if (token !== undefined && !known.has(token.id)) attempts.assertFew(request.ip)
    if (token === undefined) {
      log('TL_TOKEN_UNKNOWN', `a token that is not valid came from ${request.ip}`)
      attempts.fail(request.ip, secret ?? '')
      return undefined
    }
    used.add(token.id)
    known.add(token.id)
    return token
  }

  return {
    async ingest(request) {
      const token = await identify(request).catch(orUnknown)
      if (token?.role === 'ingest' || token?.role === 'admin') return
      counters.count('throughline.recorder.unknown_bearers')
      throw new RecorderError('TL_TOKEN_UNKNOWN', 'the token is not valid for sending records', {
        status: 503,
      })
    },
    roleOf: (request) => roles.get(request) ?? 'ingest',
    only(...wanted) {
      return async (request) => {
        const token = await identify(request)
        if (token === undefined) throw new RecorderError('TL_TOKEN_UNKNOWN', 'the token is not valid')
        if (token.role !== 'admin' && !wanted.includes(token.role))
          throw new RecorderError(
            'TL_TOKEN_ROLE',
            `the role ${token.role} may not do this; ${[...new Set([...wanted, 'admin'])].join(' or ')} may`,
          )
        roles.set(request, token.role)
      }
    },
    async close() {
      closed = true
      clearInterval(timer)
      await looking
      await touch().catch(() => {})
    },
  }
}
