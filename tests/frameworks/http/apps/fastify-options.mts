import { AsyncResource } from 'node:async_hooks'
import { fastifyCorrelation } from '@throughline/core/frameworks'
import Fastify from 'fastify'
import { place } from './orders.mts'

const app = Fastify()
app.register(fastifyCorrelation, {
  trust: (request) => request.headers['x-proof'] === 'yes',
  user: (request) => request.headers['x-user']?.toString(),
})

/** A hook that goes on from a context of its own, as a pool does. */
const pool = new AsyncResource('pool')
app.addHook('preParsing', (_request, _reply, payload, done) =>
  pool.runInAsyncScope(() => done(null, payload)),
)

app.post<{ Params: { id: string }; Body: { amount?: string } }>('/orders/:id', async (request, reply) => {
  reply.code(201)
  return place(request.params.id, request.body)
})
app.get('/built', (_request, reply) => reply.redirect('/'))
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
