import { serve } from '@hono/node-server'
import { honoCorrelation } from '@throughline/core/frameworks'
import { Hono } from 'hono'
import { place } from './orders.mts'

const app = new Hono()
app.use(
  honoCorrelation({
    trust: (request) => request.headers['x-proof'] === 'yes',
    user: (request) => request.headers['x-user']?.toString(),
  }),
)

app.post('/orders/:id', async (c) => c.json(await place(c.req.param('id'), await c.req.json()), 201))
/** An answer that nobody can change any more. */
app.get('/built', () => Response.redirect('http://127.0.0.1/'))
serve({ fetch: app.fetch, port: Number(process.env.PORT), hostname: '127.0.0.1' })
