import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { correlation } from '@throughline/core'
import { place } from './orders.mts'

const identify = correlation.middleware()

const server = createServer((request, response) => {
  identify(request, response, async () => {
    try {
      const order = (await json(request)) as { amount?: string }
      const placed = await place(String(request.url?.split('/')[2]), order)
      response.writeHead(201).end(JSON.stringify(placed))
    } catch {
      response.writeHead(500).end()
    }
  })
})
server.listen(Number(process.env.PORT), '127.0.0.1')
