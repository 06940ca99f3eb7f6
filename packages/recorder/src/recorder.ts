import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { createWriter } from '@throughline/postgres'
import fastify, { type FastifyInstance } from 'fastify'
import { addApi } from './api/api.js'
import { createAuth } from './auth.js'
import { addConsole } from './console/route.js'
import { type Counters, createCounters } from './counters.js'
import { openDatabase } from './database.js'
import { faultCode, RecorderError } from './errors.js'
import { refusalResponse } from './export-response.js'
import { createFaultLog, type FaultLog } from './fault-log.js'
import { createGroupCommit } from './group-commit.js'
import { createSettler, wakingWriter } from './in-tx/settler.js'
import { startMaintenance } from './maintenance.js'
import { type RecorderOptions, type Settings, settingsOf } from './options.js'
import { createByteBudget } from './read-body.js'
import { startRollupWorker } from './rollup-worker.js'
import { addTracesRoute, contentTypes, formatOf } from './traces-route.js'
import { within } from './within.js'

export type Recorder = {
  /** Resolves when requests are taken; until the database is there they are answered 503. */
  listen: () => Promise<{ url: string }>
  /** Takes no more requests, answers those that run, ends. Bounded by `closeTimeoutMs`; may be called again. */
  close: () => Promise<void>
}

/** A connection on which no whole head of a request has come by then is closed. */
const maxHeadersMs = 20_000

/**
 * OTLP/HTTP in, rows out. Throws `TL_RECORDER_OPTION` for an option that is wrong; afterwards nothing the network or
 * the database does ends it.
 */
export const createRecorder = (options: RecorderOptions): Recorder => {
  const settings = settingsOf(options)
  const log = createFaultLog(settings.log)
  let closing: Promise<void> | undefined

  const app = fastify({
    logger: false,
    ...tlsOf(settings),
    // Of the API's routes: a parameter that is not known is refused, not left out in silence.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: true } },
    requestTimeout: settings.requestTimeoutMs,
    http: {
      requestTimeout: settings.requestTimeoutMs,
      headersTimeout: Math.min(settings.requestTimeoutMs, maxHeadersMs),
      // Node's own 30 s would let the slow ones stay half as long again.
      connectionsCheckingInterval: Math.min(settings.requestTimeoutMs, 5_000),
    },
    // 'idle' connections only: those with a request under way are waited for.
    forceCloseConnections: 'idle',
  })
  app.server.maxConnections = settings.maxConnections
  // The body stays a stream: readBody counts it while it comes.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  app.addHook('onSend', async (_request, reply) => {
    if (closing !== undefined) reply.header('connection', 'close')
  })
  const counters = createCounters()
  answerErrors(app, settings, counters, log)

  const database = openDatabase(settings, log)
  const settler = createSettler(settings, database, counters, log)
  const stored = createWriter(database.pool, { retentionDays: settings.retentionDays })
  const writer = wakingWriter(stored, settler.wake)
  const commits = createGroupCommit(writer, settings, counters)
  const auth = createAuth(settings, database, counters, log)
  const budget = createByteBudget(settings.maxPendingBytes)
  addTracesRoute(app, { settings, database, auth, counters, budget, commits })
  const maintenance = startMaintenance(settings, database, log)
  const rollups = startRollupWorker(database, log)
  const api = addApi(app, { settings, database, auth, counters, log, budget, commits, maintenance })

  addConsole(app)
  app.get('/healthz', async (_request, reply) => {
    try {
      await database.probe()
      return reply.send({ status: 'ok' })
    } catch (error) {
      return reply.code(503).send({ status: 'unavailable', reason: `database: ${faultCode(error)}` })
    }
  })

  const close = async (): Promise<void> => {
    const deadline = Date.now() + settings.closeTimeoutMs
    const ended = app.close().then(() => true)
    const timer = new AbortController()
    const late = delay(settings.closeTimeoutMs, false, { signal: timer.signal }).catch(() => false)
    if (!(await Promise.race([ended, late]))) app.server.closeAllConnections()
    timer.abort()
    await endBackground(Math.max(100, deadline - Date.now()))
    await database.close(Math.max(100, deadline - Date.now()))
  }

  /** What else uses the database: each ends what it is at, together at most so long. */
  const endBackground = (timeoutMs: number): Promise<unknown> =>
    within(
      Promise.allSettled([settler.close(), auth.close(), maintenance.stop(), rollups.stop(), api.close()]),
      timeoutMs,
    ).catch(() => {})

  return {
    async listen() {
      try {
        await app.listen({ host: settings.host, port: settings.port })
      } catch (error) {
        await endBackground(settings.closeTimeoutMs)
        await database.close(settings.closeTimeoutMs)
        throw error
      }
      const { address, family, port } = app.server.address() as AddressInfo
      return {
        url: `${settings.tlsCert === '' ? 'http' : 'https'}://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
      }
    },
    close() {
      closing ??= close()
      return closing
    },
  }
}

/** Throws `TL_RECORDER_OPTION` for a file that cannot be read. */
const tlsOf = ({ tlsCert, tlsKey }: Settings): { https?: { cert: Buffer; key: Buffer } } => {
  if (tlsCert === '') return {}
  try {
    return { https: { cert: readFileSync(tlsCert), key: readFileSync(tlsKey) } }
  } catch (error) {
    throw new RecorderError('TL_RECORDER_OPTION', `tlsCert or tlsKey cannot be read: ${faultCode(error)}`)
  }
}

/** A fault of ours or of the database is 503, never 500: the Collector repeats the one and drops on the other. */
const answerErrors = (app: FastifyInstance, settings: Settings, counters: Counters, log: FaultLog): void => {
  app.setErrorHandler(async (error: Error & { statusCode?: number }, request, reply) => {
    const status = statusOf(error)
    const own = error instanceof RecorderError
    const message =
      own || status < 500 ? error.message : `the records cannot be stored now (${faultCode(error)})`
    counters.refuse(own ? error.code : status < 500 ? 'http' : 'write')
    if (status === 401) reply.header('www-authenticate', 'Bearer')
    if (own && error.retryAfterSeconds !== undefined)
      reply.header('retry-after', String(error.retryAfterSeconds))
    if (status >= 500) {
      log(own ? error.code : 'write', error.message || faultCode(error))
      reply.header('retry-after', String(settings.retryAfterSeconds))
    }
    const format = formatOf(request) ?? 'json'
    return reply
      .code(status)
      .type(contentTypes[format])
      .send(refusalResponse(format, status, message))
  })
}

const statusOf = (error: Error & { statusCode?: number }): number => {
  if (error instanceof RecorderError) return error.status
  return error.statusCode !== undefined && error.statusCode < 500 ? error.statusCode : 503
}
