// Sends the rows of writer-process.mjs as OTLP requests to a recorder, over keep-alive connections, and waits for each 200.
//   fork(sender-process.mjs, [rows, spans a request, beginMs]); message { url, connections } → { ms }
import { Agent, request } from 'node:http'
import { encodeResource, encodeSpan, encodeTraces } from '@throughline/otlp'
import { makeRows, spanOf } from './rows.mjs'

const [rows, spans, beginMs] = process.argv.slice(2).map(Number)

const resource = encodeResource({ 'service.name': 'bench', 'service.version': '1.4.2' })
const scope = { name: 'throughline.operations', version: '0.1.0' }
const bodies = []
for (let from = 0; from < rows; from += spans) {
  const encoded = makeRows(from, Math.min(from + spans, rows), beginMs).map((row) => encodeSpan(spanOf(row)))
  bodies.push(Buffer.from(encodeTraces({ resource, scope, spans: encoded })))
}

process.on('message', async ({ url, connections }) => {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const began = performance.now()
  let next = 0
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (next < bodies.length) {
        const body = bodies[next++]
        while ((await send(`${url}/v1/traces`, agent, body)) === 503)
          await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }),
  )
  const ms = performance.now() - began
  agent.destroy()
  process.send({ ms })
})
process.on('disconnect', () => process.exit(0))
process.send('ready')

function send(url, agent, body) {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-protobuf', 'content-length': body.length }
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      response.resume().on('end', () => {
        if (response.statusCode === 200 || response.statusCode === 503) resolve(response.statusCode)
        else reject(new Error(`the recorder answered ${response.statusCode}`))
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
