import { connect } from 'node:net'

/** A service that, asked for /outer, asks itself by http and by fetch; it ends after one request. */
export function serve(express, http, correlation, track) {
  const get = (url) =>
    new Promise((resolve, reject) => {
      const request = http.get(url, (answer) => answer.resume().on('end', () => resolve(answer.statusCode)))
      request.on('error', reject)
    })
  const work = track('Front.work', async (base) => {
    const statuses = [await get(`${base}/inner/1`), (await fetch(`${base}/inner/2`)).status]
    return { statuses, id: correlation.id() }
  })
  const app = express()
  app.use(correlation.middleware())
  app.get('/inner/:id', (_request, response) => response.json({ id: correlation.id() }))
  app.get('/outer', async (_request, response) =>
    response.json(await work(`http://127.0.0.1:${server.address().port}`)),
  )
  const server = app.listen(0, '127.0.0.1', () => {
    // A raw socket: the first request comes from outside, without a client span.
    const socket = connect(server.address().port, '127.0.0.1')
    socket.write(
      'GET /outer HTTP/1.1\r\nhost: x\r\nx-correlation-id: order-4711\r\nconnection: close\r\n\r\n',
    )
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('end', () => {
      console.log(text.slice(text.indexOf('{')))
      server.close()
      server.closeAllConnections()
    })
  })
}
