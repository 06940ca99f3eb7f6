import { createServer } from 'node:http'
import { correlation, track } from '@throughline/core'
import { place } from './orders.mts'

const identify = correlation.middleware()
const answered = track('Orders.answered', () => {})

/** Without a promise in sight: all of it happens in listeners, which Node calls from the parser and the socket. */
const server = createServer((request, response) => {
  identify(request, response, () => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', async () => {
      response.writeHead(201).end(JSON.stringify(await place('7', JSON.parse(body))))
    })
    response.on('finish', answered)
  })
})
server.listen(Number(process.env.PORT), '127.0.0.1')
