import { AllocationService, type Order } from './allocation-service.js'
import { catalogueAt } from './catalogue-client.js'
import { openPool } from './database.js'
import { required, serve } from './service.js'

/** The allocation service: `POST /allocations`. */
const pool = openPool(required('DATABASE_URL'))
const allocations = new AllocationService(pool, catalogueAt(required('CATALOGUE_URL')))

const body = {
  type: 'object',
  required: ['vehicleId', 'from', 'days', 'userId'],
  additionalProperties: false,
  properties: {
    vehicleId: { type: 'integer', minimum: 1, maximum: 2_147_483_647 },
    from: { type: 'string', format: 'date' },
    days: { type: 'integer', minimum: 1, maximum: 30 },
    userId: { type: 'string', minLength: 1, maxLength: 64 },
  },
}

await serve(
  Number(required('PORT')),
  (app) => {
    app.get('/healthz', async () => ({ status: 'ok' }))
    app.post<{ Body: Order }>('/allocations', { schema: { body } }, async (request, reply) => {
      const allocation = await allocations.autoAllocate(request.body)
      request.log.info({ dyno: allocation.allocation.dyno, backup: allocation.backupUsed }, 'allocated')
      return reply.code(201).send(allocation)
    })
  },
  () => pool.end(),
)
