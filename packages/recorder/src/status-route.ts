import type { FastifyInstance } from 'fastify'
import type { Auth } from './auth.js'
import type { Counters } from './counters.js'
import type { Database } from './database.js'
import { faultCode } from './errors.js'
import type { GroupCommit } from './group-commit.js'
import type { Maintenance } from './maintenance.js'
import type { ByteBudget } from './read-body.js'

type Parts = {
  database: Database
  auth: Auth
  counters: Counters
  budget: ByteBudget
  commits: GroupCommit
  maintenance: Maintenance
}

/** `GET /v1/status`: what this recorder has done since it started, and what it holds now. */
export const addStatusRoute = (
  app: FastifyInstance,
  { database, auth, counters, budget, commits, maintenance }: Parts,
): void => {
  const startedAt = new Date().toISOString()
  app.get('/v1/status', { onRequest: auth.only('read') }, async (_request, reply) => {
    const fault = await database.probe().then(
      () => null,
      (error: unknown) => faultCode(error),
    )
    return reply.send({
      status: fault === null ? 'ok' : 'unavailable',
      database: fault ?? 'ok',
      startedAt,
      pending: { records: commits.pendingRows(), bytes: budget.taken() },
      memory: memory(),
      counters: counters.values(),
      refusals: counters.refusals(),
      maintenance: maintenance.last() ?? null,
    })
  })
}

const memory = (): Record<string, number> => {
  const { rss, heapTotal, heapUsed, external } = process.memoryUsage()
  return { residentBytes: rss, heapBytes: heapTotal, heapUsedBytes: heapUsed, externalBytes: external }
}
