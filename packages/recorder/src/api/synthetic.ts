import { readChecks, readSynthetic } from '@throughline/postgres/synthetic'
import type { FastifyInstance } from 'fastify'
import { faultCode } from '../errors.js'
import { within } from '../within.js'
import type { ApiParts } from './parts.js'
import { addJsonRoute } from './route.js'
import { ChecksAnswer, SyntheticAnswer, SyntheticQuery } from './schemas/synthetic.js'

/** What `throughline doctor` asks, which knows no way into the database. */
export const addSyntheticRoutes = (api: FastifyInstance, parts: ApiParts): void => {
  addSyntheticRoute(api, parts)
  addChecksRoute(api, parts)
}

const addSyntheticRoute = (api: FastifyInstance, parts: ApiParts): void => {
  addJsonRoute(
    api,
    parts,
    {
      url: '/v1/synthetic',
      role: 'read',
      tag: 'recorder',
      summary: 'Whether an operation that throughline doctor made up has arrived',
      query: SyntheticQuery,
      answer: SyntheticAnswer,
      // What was stored a moment ago has to be in it.
      shared: false,
    },
    async ({ query }): Promise<SyntheticAnswer> => {
      const { id } = query as SyntheticQuery
      const found = await within(readSynthetic(parts.reads, id), parts.settings.queryTimeoutMs)
      if (found === undefined) return { id, record: null }
      return {
        id,
        record: {
          service: found.service,
          startedAt: found.startedAt?.toISOString() ?? null,
          receivedAt: found.receivedAt.toISOString(),
          recordedAt: found.recordedAt.toISOString(),
        },
      }
    },
  )
}

const addChecksRoute = (api: FastifyInstance, parts: ApiParts): void => {
  const { reads, settings, database } = parts
  addJsonRoute(
    api,
    parts,
    {
      url: '/v1/checks',
      role: 'read',
      tag: 'recorder',
      summary: 'Clocks, schema and partitions: what has to be right before records can be stored',
      description: 'It answers also while the database is away.',
      answer: ChecksAnswer,
      shared: false,
      withoutDatabase: true,
    },
    async (): Promise<ChecksAnswer> => {
      try {
        database.assertReady()
        const { at, ...facts } = await within(
          readChecks(reads, { aheadDays: settings.aheadDays }),
          settings.healthTimeoutMs,
        )
        return { at: now(), fault: null, database: { at: at.toISOString(), ...facts } }
      } catch (error) {
        return { at: now(), fault: faultCode(error), database: null }
      }
    },
  )
}

const now = (): string => new Date().toISOString()
