// A service as users write them: started with `node --import @throughline/sdk/register`. Tells what reached it, and calls others.
import http from 'node:http'
import { correlation, track } from '@throughline/core'
import pg from 'pg'
import { request as undiciRequest } from 'undici'

const identify = correlation.middleware({ user: (request) => request.headers['x-user'] })
const database =
  process.env.DATABASE_URL === undefined
    ? undefined
    : new pg.Pool({ connectionString: process.env.DATABASE_URL })

const clients = {
  fetch: async (url) => (await fetch(url)).json(),
  undici: async (url) => (await undiciRequest(url)).body.json(),
  http: (url) =>
    new Promise((resolve, reject) => {
      const request = http.get(url, async (answer) => {
        answer.setEncoding('utf8')
        let text = ''
        for await (const chunk of answer) text += chunk
        resolve(JSON.parse(text))
      })
      request.on('error', reject)
    }),
}

const call = track('Front.call', (via, url) => clients[via](url))
const look = track('Stock.look', async () => ({ id: correlation.id() }))
const place = track('Orders.place', async (stock) => {
  const seen = await clients.fetch(`${stock}/stock`)
  await database.query('INSERT INTO jobs (headers) VALUES ($1)', [correlation.inject({})])
  return seen
})

const paths = {
  '/echo': async (_url, { headers }) => ({
    id: correlation.id(),
    header: headers['x-correlation-id'],
    traceparent: headers.traceparent,
    baggage: headers.baggage,
  }),
  '/call': (url) => call(url.searchParams.get('via'), url.searchParams.get('to')),
  '/stock': () => look(),
  '/order': (url) => place(url.searchParams.get('stock')),
}

const server = http.createServer((request, response) =>
  identify(request, response, async () => {
    const url = new URL(request.url, 'http://service')
    try {
      response.end(JSON.stringify(await paths[url.pathname](url, request)))
    } catch (error) {
      response.statusCode = 500
      response.end(JSON.stringify({ error: String(error) }))
    }
  }),
)
server.listen(0, '127.0.0.1', () => console.log(`listening ${server.address().port}`))
