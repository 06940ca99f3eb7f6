import { deliveredRanges } from '@throughline/postgres/delivered'
import type { FastifyInstance } from 'fastify'
import { within } from '../within.js'
import type { ApiParts } from './parts.js'
import { addJsonRoute } from './route.js'
import { ConfirmAnswer, ConfirmQuery, maxRanges } from './schemas/status.js'

/** `GET /v1/confirm`: which records of an instance are committed. By the section of docs/reference/record.md. */
export const addConfirmRoute = (api: FastifyInstance, parts: ApiParts): void => {
  const { settings, database, counters } = parts
  addJsonRoute(
    api,
    parts,
    {
      url: '/v1/confirm',
      role: 'ingest',
      tag: 'recorder',
      summary: 'Which records of an instance are committed',
      description: 'For senders, which keep a record until it is. What is in the answer stays true.',
      query: ConfirmQuery,
      answer: ConfirmAnswer,
      // What was committed a moment ago has to be in it.
      shared: false,
    },
    async ({ query }): Promise<ConfirmAnswer> => {
      const { instance: asked, after = '0' } = query as ConfirmQuery
      const instance = asked.toLowerCase()
      const found = await within(
        deliveredRanges(database.pool, instance, { after: BigInt(after), limit: maxRanges + 1 }),
        settings.confirmTimeoutMs,
      )
      const ranges = found.slice(0, maxRanges).map(([lo, hi]) => [Number(lo), Number(hi)])
      counters.count('throughline.recorder.confirms')
      return { instance, ranges, ...(found.length > maxRanges ? { truncated: true } : {}) }
    },
  )
}
