import { openPool } from './database.js'
import { required, serve } from './service.js'
import { VehicleCatalogue } from './vehicle-catalogue.js'

/** The vehicle catalogue: `GET /vehicles/:id`. */
const pool = openPool(required('DATABASE_URL'))
const catalogue = new VehicleCatalogue(pool)

const params = { type: 'object', properties: { id: { type: 'integer', minimum: 1, maximum: 2_147_483_647 } } }

await serve(
  Number(required('PORT')),
  (app) => {
    app.get('/healthz', async () => ({ status: 'ok' }))
    app.get<{ Params: { id: number } }>('/vehicles/:id', { schema: { params } }, (request) =>
      catalogue.find(request.params.id),
    )
  },
  () => pool.end(),
)
