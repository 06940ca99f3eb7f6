import { correlation } from '@throughline/core'
import Fastify, { type FastifyBaseLogger, type FastifyError } from 'fastify'
import { pino } from 'pino'
import { addRoutes } from './api.js'
import { openEngine } from './engine.js'
import { openQueue } from './queue.js'
import { openResults } from './results.js'
import { Running } from './running.js'
import { readSettings } from './settings.js'
import { startStatusChecker } from './status-checker.js'
import { strict } from './strict.js'
import { type Parts, startSlots } from './worker.js'

/*
 * The runner: `POST /jobs` → queue in Postgres → slots → containers.
 *
 *   start   results, queue, engine, slots, checker, HTTP last: what is accepted can be run
 *   stop    HTTP first, then the slots: jobs that run have failed, their containers removed, and what measures them last
 */
const settings = readSettings(process.env)
const log: FastifyBaseLogger = pino({ mixin: () => correlation.fields() })
const parts: Parts = {
  settings,
  log,
  results: await openResults(settings.databaseUrl),
  queue: await openQueue(settings, log),
  engine: openEngine(settings),
  running: new Running(),
}
await startSlots(parts)
const checker = startStatusChecker(parts)

const app = Fastify({
  loggerInstance: log,
  disableRequestLogging: true,
  forceCloseConnections: 'idle',
  ...strict,
})
const correlate = correlation.middleware()
app.addHook('onRequest', (request, reply, done) => correlate(request.raw, reply.raw, done))
app.setErrorHandler((error: FastifyError, request, reply) => {
  const status = error.statusCode ?? 500
  const name = error.validation === undefined ? error.name : 'InvalidJob'
  request.log.warn({ error: name, status }, error.message)
  void reply.code(status).send({ error: name, message: status < 500 ? error.message : 'see the log' })
})
addRoutes(app, parts)
app.addHook('onClose', async () => {
  await checker.close()
  // No slot takes another job before those that run are ended.
  const closed = parts.queue.close()
  parts.running.stopAll()
  await closed
  parts.engine.close()
  await parts.results.close()
})
process.once('SIGTERM', () => void app.close())
process.once('SIGINT', () => void app.close())
await app.listen({ port: settings.port, host: settings.host })
log.info({ port: settings.port, slots: settings.slots }, 'listening')
