import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { refuseOtherMethods } from './route.js'

/** `GET /openapi.json`: made of the schemas that check the requests. Before the routes that it is to describe. */
export const addOpenApi = async (api: FastifyInstance): Promise<void> => {
  await api.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Throughline recorder',
        version: '0.1.0',
        description:
          'What is recorded, read back. Times are RFC 3339 in UTC, durations milliseconds, money and other exact numbers decimals in texts. Refusals are problem documents (RFC 9457) with a stable `code`.',
      },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: '`throughline token create --role read`' },
        },
      },
      tags: [
        { name: 'metrics', description: 'Figures' },
        { name: 'value', description: 'What the operations are worth' },
        { name: 'operations', description: 'Single operations' },
        { name: 'recorder', description: 'The recorder itself' },
      ],
    },
  })
  let text: string | undefined
  api.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) => {
    text ??= JSON.stringify(api.swagger())
    return reply.type('application/json').send(text)
  })
  refuseOtherMethods(api, '/openapi.json', 'GET')
}
