import { createPool } from '@throughline/postgres'
import type { FastifyInstance } from 'fastify'
import type { Pool } from 'pg'
import type { FaultLog } from '../fault-log.js'
import type { Settings } from '../options.js'
import type { ValueModel } from '../value/model.js'
import { loadValueModel } from '../value/parse.js'
import { startValuePublisher, type ValuePublisher } from '../value/publisher.js'
import { within } from '../within.js'
import { createCoalesce } from './coalesce.js'
import { addCompareRoute } from './compare.js'
import { addConfirmRoute } from './confirm.js'
import { addDeadLetterRoutes } from './dead-letters.js'
import { addExportRoute } from './export.js'
import { addHealthRoute } from './health.js'
import { addJobsRoute } from './jobs.js'
import { addOpenApi } from './openapi.js'
import { addOperationRoutes } from './operations.js'
import type { ApiParts, RecorderParts } from './parts.js'
import { addPerformanceRoute } from './performance.js'
import { createErrorHandler, problemOf, sendProblem } from './problem.js'
import { addPrometheusRoute } from './prometheus.js'
import { addSessionRoute } from './session.js'
import { addStatusRoute } from './status.js'
import { addStreamRoutes } from './stream.js'
import { addSyntheticRoutes } from './synthetic.js'
import { addValueRoutes } from './value.js'

const kept = { ttlMs: 1_000, maxRunning: 200, maxKept: 500 }

/** Everything that is read back. Resolves what it opened with `close`. */
export const addApi = (app: FastifyInstance, recorder: RecorderParts): { close: () => Promise<void> } => {
  const { settings, counters, log } = recorder
  const reads = createPool(settings.databaseUrl, {
    maxConnections: settings.maxReads,
    connectTimeoutMs: settings.connectTimeoutMs,
    statementTimeoutMs: settings.queryTimeoutMs,
    applicationName: 'throughline reads',
    onIdleError: (error) => log('connection', error.message),
  })
  let publisher: ValuePublisher | undefined
  let closed = false
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      reply,
      problemOf(404, 'TL_NOT_FOUND', `there is no ${request.method} ${pathOf(request.url)}`),
    ),
  )
  app.register(async (api) => {
    api.setErrorHandler(createErrorHandler(settings, counters, log))
    // Answers are made as texts: a serializer that leaves out what its schema lacks would hide mistakes.
    api.setSerializerCompiler(() => (data) => JSON.stringify(data))
    const model = settings.valueModel === '' ? undefined : await loadValueModel(settings.valueModel)
    if (model !== undefined && settings.otlpUrl !== '')
      void recorder.database.whenReady.then(() => {
        if (!closed) publisher = publisherOf(reads, model, settings, log)
      })
    const parts: ApiParts = {
      ...recorder,
      reads,
      coalesce: createCoalesce(kept),
      model,
      publisher: () => publisher,
    }
    await addOpenApi(api)
    addSessionRoute(api, parts)
    addPerformanceRoute(api, parts)
    addOperationRoutes(api, parts)
    addExportRoute(api, parts)
    addValueRoutes(api, parts)
    addHealthRoute(api, parts)
    addCompareRoute(api, parts)
    addJobsRoute(api, parts)
    addStreamRoutes(api, parts)
    addPrometheusRoute(api, parts)
    addDeadLetterRoutes(api, parts)
    addStatusRoute(api, parts)
    addConfirmRoute(api, parts)
    addSyntheticRoutes(api, parts)
  })
  return {
    async close() {
      closed = true
      await within(Promise.resolve(publisher?.close()), settings.closeTimeoutMs).catch(() => {})
      await within(reads.end(), settings.closeTimeoutMs).catch(() => {})
    },
  }
}

const publisherOf = (pool: Pool, model: ValueModel, settings: Settings, log: FaultLog): ValuePublisher =>
  startValuePublisher(pool, model, {
    url: `${settings.otlpUrl.replace(/\/+$/, '')}/v1/metrics`,
    onError: (error) =>
      log('value', `the value gauges wait: ${error instanceof Error ? error.message : error}`),
  })

const pathOf = (url: string): string => url.split('?', 1)[0]!.slice(0, 200)
