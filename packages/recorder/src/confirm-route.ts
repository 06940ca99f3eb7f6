import { deliveredRanges } from '@throughline/postgres/delivered'
import type { FastifyInstance } from 'fastify'
import type { Auth } from './auth.js'
import type { Counters } from './counters.js'
import type { Database } from './database.js'
import { RecorderError } from './errors.js'
import type { Settings } from './options.js'
import { within } from './within.js'

// The answer stays below 50 KB; who has more gaps than this asks again from the last one.
const maxRanges = 1_000

const uuidPattern = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i
const numberPattern = /^\d{1,15}$/

/** `GET /v1/confirm`: which records of an instance are committed. By the section of docs/reference/record.md. */
export const addConfirmRoute = (
  app: FastifyInstance,
  settings: Settings,
  database: Database,
  auth: Auth,
  counters: Counters,
): void => {
  app.get('/v1/confirm', { onRequest: auth.only('ingest', 'read') }, async (request, reply) => {
    const { instance, after } = parametersOf(request.query as Record<string, unknown>)
    database.assertReady()
    const found = await within(
      deliveredRanges(database.pool, instance, { after, limit: maxRanges + 1 }),
      settings.confirmTimeoutMs,
    )
    const ranges = found.slice(0, maxRanges).map(([lo, hi]) => [Number(lo), Number(hi)])
    counters.count('throughline.recorder.confirms')
    return reply.send({ instance, ranges, ...(found.length > maxRanges ? { truncated: true } : {}) })
  })
}

const parametersOf = (query: Record<string, unknown>): { instance: string; after: bigint } => {
  const { instance, after = '0', ...others } = query
  if (typeof instance !== 'string' || !uuidPattern.test(instance))
    throw new RecorderError('TL_PARAMETER', 'instance is not a UUID')
  if (typeof after !== 'string' || !numberPattern.test(after))
    throw new RecorderError('TL_PARAMETER', 'after is not a whole number from 0 on')
  const [unknown] = Object.keys(others)
  if (unknown !== undefined)
    throw new RecorderError('TL_PARAMETER', 'the parameters are instance and, if wanted, after')
  return { instance: instance.toLowerCase(), after: BigInt(after) }
}
