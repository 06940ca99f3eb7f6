import { serve } from '@hono/node-server'
import { honoCorrelation } from '@throughline/core/frameworks'
import { Hono } from 'hono'
import { place } from './orders.mts'

const app = new Hono()
app.use(honoCorrelation())

app.post('/orders/:id', async (c) => {
  return c.json(await place(c.req.param('id'), await c.req.json()), 201)
})
serve({ fetch: app.fetch, port: Number(process.env.PORT), hostname: '127.0.0.1' })
