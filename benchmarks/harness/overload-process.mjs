// Offers requests to a recorder whether it takes them or not, each with trace IDs of its own.
//   fork(overload-process.mjs, [url, spans a request]); message { seconds, perSecond, connections } → { sent, taken, busy, seconds }
// Without perSecond each connection sends its next request when the last one is answered: what comes through is the capacity.
import { randomBytes } from 'node:crypto'
import { Agent, request } from 'node:http'
import { traceRequest } from './trace-request.mjs'

const [url] = process.argv.slice(2)

// The first trace ID of the template and where each one lies, so that a request costs a copy and no encoding.
const template = Buffer.from(traceRequest(Date.now()))
const places = traceIdPlaces(template)

process.on('message', async ({ seconds, perSecond, connections }) => {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const counts = { sent: 0, taken: 0, busy: 0 }
  const began = performance.now()
  const over = () => performance.now() - began > seconds * 1_000
  let open = 0
  const offer = async () => {
    open += 1
    counts.sent += 1
    const status = await send(agent)
    if (status === 200) counts.taken += 1
    else counts.busy += 1
    open -= 1
  }
  if (perSecond === undefined) {
    await Promise.all(
      Array.from({ length: connections }, async () => {
        while (!over()) await offer()
      }),
    )
  } else {
    const offers = new Set()
    while (!over()) {
      const due = ((performance.now() - began) / 1_000) * perSecond
      while (counts.sent < due && open < connections) {
        const one = offer().finally(() => offers.delete(one))
        offers.add(one)
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await Promise.all(offers)
  }
  agent.destroy()
  process.send({ ...counts, seconds: (performance.now() - began) / 1_000 })
})
process.on('disconnect', () => process.exit(0))
process.send('ready')

function send(agent) {
  const body = Buffer.from(template)
  const ids = randomBytes(16 * places.length)
  for (const [n, place] of places.entries()) ids.copy(body, place, n * 16, n * 16 + 16)
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-protobuf', 'content-length': body.length }
    const sent = request(`${url}/v1/traces`, { method: 'POST', agent, headers }, (response) => {
      response.resume().on('end', () => {
        if (response.statusCode === 200 || response.statusCode === 503) resolve(response.statusCode)
        else reject(new Error(`the recorder answered ${response.statusCode}`))
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** Field 1 of a span, 16 bytes, followed by field 2, 8 bytes: nothing else in the template looks like that. */
function traceIdPlaces(body) {
  const found = []
  for (let at = 0; at < body.length - 28; at += 1)
    if (body[at] === 0x0a && body[at + 1] === 16 && body[at + 18] === 0x12 && body[at + 19] === 8)
      found.push(at + 2)
  return found
}
