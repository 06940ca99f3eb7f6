import { findDeadLetters, listDeadLetters, type ParkedRecord } from '@throughline/postgres/dead-letters'
import type { FastifyInstance } from 'fastify'
import type { Static } from 'typebox'
import { retryDeadLetters } from '../dead-letters.js'
import { RecorderError } from '../errors.js'
import type { ApiParts } from './parts.js'
import { addJsonRoute } from './route.js'
import {
  DeadLetterAnswer,
  DeadLetterPath,
  DeadLettersAnswer,
  DeadLettersQuery,
  RetryAnswer,
} from './schemas/dead-letters.js'

/** `GET /v1/dead-letters` and, for `admin`, another try. */
export const addDeadLetterRoutes = (api: FastifyInstance, parts: ApiParts): void => {
  const { reads, database, settings } = parts
  const { retentionDays } = settings
  const shared = { tag: 'recorder', role: 'read' } as const
  const missing = { 404: 'There is no such dead letter' }

  const find = async (path: unknown) => {
    const { id } = path as Static<typeof DeadLetterPath>
    const [letter] = await findDeadLetters(reads, id)
    if (letter === undefined) throw new RecorderError('TL_NOT_FOUND', `there is no dead letter ${id}`)
    return letter
  }

  addJsonRoute(
    api,
    parts,
    {
      ...shared,
      url: '/v1/dead-letters',
      summary: 'Records that could not become rows, the newest first',
      query: DeadLettersQuery,
      answer: DeadLettersAnswer,
    },
    async ({ query }): Promise<DeadLettersAnswer> => {
      const { limit = 100 } = query as DeadLettersQuery
      const { total, letters } = await listDeadLetters(reads, { limit })
      const cut = total > letters.length
      return {
        total,
        letters: letters.map(shownLetter),
        truncated: cut,
        cuts: cut ? [`letters: only ${letters.length} of ${total}`] : [],
      }
    },
  )
  addJsonRoute(
    api,
    parts,
    {
      ...shared,
      url: '/v1/dead-letters/:id',
      summary: 'One of them with what was parked',
      path: DeadLetterPath,
      answer: DeadLetterAnswer,
      refusals: missing,
    },
    async ({ path }): Promise<DeadLetterAnswer> => {
      const { body, ...letter } = await find(path)
      return { ...shownLetter(letter), body: body.toString() }
    },
  )
  addJsonRoute(
    api,
    parts,
    {
      ...shared,
      role: 'admin',
      method: 'POST',
      url: '/v1/dead-letters/:id/retry',
      summary: 'Tries one again with the rules of this version',
      path: DeadLetterPath,
      answer: RetryAnswer,
      refusals: missing,
    },
    async ({ path }): Promise<RetryAnswer> => {
      const { id } = await find(path)
      return retryDeadLetters(database.pool, { ids: [id], retentionDays })
    },
  )
  addJsonRoute(
    api,
    parts,
    {
      ...shared,
      role: 'admin',
      method: 'POST',
      url: '/v1/dead-letters/retry',
      summary: 'Tries all of them again',
      answer: RetryAnswer,
    },
    async (): Promise<RetryAnswer> => {
      const { kept, ...result } = await retryDeadLetters(database.pool, { retentionDays })
      return { ...result, kept: kept.slice(0, 1_000) }
    },
  )
}

const shownLetter = (letter: ParkedRecord): DeadLettersAnswer['letters'][number] => {
  const { id, parkedAt, reason, sqlState, bytes, instance, seq, retries, retriedAt } = letter
  return {
    id,
    parkedAt: parkedAt.toISOString(),
    reason,
    sqlState,
    bytes,
    instance,
    seq,
    retries,
    retriedAt: retriedAt?.toISOString() ?? null,
  }
}
