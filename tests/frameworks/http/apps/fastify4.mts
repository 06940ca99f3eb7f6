import { fastifyCorrelation } from '@throughline/core/frameworks'
import Fastify from 'fastify4'
import { place } from './orders.mts'

const app = Fastify()
app.register(fastifyCorrelation)

app.post<{ Params: { id: string }; Body: { amount?: string } }>('/orders/:id', async (request, reply) => {
  reply.code(201)
  return place(request.params.id, request.body)
})
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
