import type { FastifyInstance } from 'fastify'
import { faultCode } from '../errors.js'
import type { ApiParts } from './parts.js'
import { addJsonRoute } from './route.js'
import { StatusAnswer } from './schemas/status.js'

/** `GET /v1/status`: what this recorder has done since it started, and what it holds now. */
export const addStatusRoute = (api: FastifyInstance, parts: ApiParts): void => {
  const { database, counters, budget, commits, maintenance } = parts
  const startedAt = new Date().toISOString()
  addJsonRoute(
    api,
    parts,
    {
      url: '/v1/status',
      role: 'read',
      tag: 'recorder',
      summary: 'What this recorder has done since it started, and what it holds now',
      description: 'Of the one process that answers; it answers also while the database is away.',
      answer: StatusAnswer,
      // Whoever asks twice wants to see what moved.
      shared: false,
      withoutDatabase: true,
    },
    async (): Promise<StatusAnswer> => {
      const fault = await database.probe().then(
        () => null,
        (error: unknown) => faultCode(error),
      )
      return {
        status: fault === null ? 'ok' : 'unavailable',
        database: fault ?? 'ok',
        startedAt,
        pending: { records: commits.pendingRows(), bytes: budget.taken() },
        memory: memory(),
        counters: counters.values(),
        refusals: counters.refusals(),
        maintenance: maintenance.last() ?? null,
      }
    },
  )
}

const memory = (): StatusAnswer['memory'] => {
  const { rss, heapTotal, heapUsed, external } = process.memoryUsage()
  return { residentBytes: rss, heapBytes: heapTotal, heapUsedBytes: heapUsed, externalBytes: external }
}
