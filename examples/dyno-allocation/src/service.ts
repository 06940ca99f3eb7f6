import { correlation } from '@throughline/core'
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { pino } from 'pino'

/** A Fastify server as every service here has it: correlation ID in, on each log line, out; ends on SIGTERM with its requests answered. */
export async function serve(
  port: number,
  routes: (app: FastifyInstance) => void,
  onClose: () => Promise<void>,
): Promise<void> {
  const log: FastifyBaseLogger = pino({ mixin: () => correlation.fields() })
  const app = Fastify({ loggerInstance: log, disableRequestLogging: true, forceCloseConnections: 'idle' })
  const correlate = correlation.middleware()
  app.addHook('onRequest', (request, reply, done) => correlate(request.raw, reply.raw, done))
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? 500
    log.warn({ error: error.name, status }, error.message)
    void reply.code(status).send({ error: error.name, message: error.message })
  })
  app.addHook('onClose', onClose)
  routes(app)
  process.once('SIGTERM', () => void app.close())
  process.once('SIGINT', () => void app.close())
  // In a container it is reached from others: HOST=0.0.0.0.
  await app.listen({ port, host: process.env.HOST || '127.0.0.1' })
  log.info({ port }, 'listening')
}

/** A setting without which the service cannot run. */
export function required(name: string): string {
  const value = process.env[name]
  if (!value) throw new Error(`the environment variable ${name} is needed`)
  return value
}
