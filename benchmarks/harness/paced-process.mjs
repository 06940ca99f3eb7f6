// Sends rows that begin now as OTLP requests, so many a second, and counts those that were answered 200.
//   fork(paced-process.mjs, [url]); message { perSecond } sets the pace; { ask: true } → { rows, refused, waitsMs: [of each request] }
import { Agent, request } from 'node:http'
import { encodeResource, encodeSpan, encodeTraces } from '@throughline/otlp'
import { makeRows, spanOf } from './rows.mjs'

const url = process.argv[2]
const tickMs = 100
const agent = new Agent({ keepAlive: true, maxSockets: 32 })
const resource = encodeResource({ 'service.name': 'bench', 'service.version': '1.4.2' })
const scope = { name: 'throughline.operations', version: '0.1.0' }

let perSecond = 0
let made = 1_000_000_000
let owed = 0
let answered = { rows: 0, refused: 0, waitsMs: [] }

setInterval(() => {
  owed += (perSecond * tickMs) / 1_000
  // Five rows share a correlation ID.
  const count = Math.floor(owed / 5) * 5
  owed -= count
  if (count > 0) send(count)
}, tickMs)

process.on('message', (what) => {
  if (what.perSecond !== undefined) perSecond = what.perSecond
  if (what.ask) {
    process.send(answered)
    answered = { rows: 0, refused: 0, waitsMs: [] }
  }
})
process.on('disconnect', () => process.exit(0))
process.send('ready')

function send(count) {
  // Rows begin 50 µs apart, counted from number 0.
  const begin = Math.floor(Date.now() - tickMs - made / 20)
  const spans = makeRows(made, made + count, begin).map((row) => encodeSpan(spanOf(row)))
  made += count
  const body = Buffer.from(encodeTraces({ resource, scope, spans }))
  const headers = { 'content-type': 'application/x-protobuf', 'content-length': body.length }
  const began = performance.now()
  const sent = request(`${url}/v1/traces`, { method: 'POST', agent, headers }, (response) => {
    response.resume().on('end', () => {
      if (response.statusCode !== 200) {
        answered.refused += count
        return
      }
      answered.rows += count
      answered.waitsMs.push(performance.now() - began)
    })
  })
  sent.on('error', () => {
    answered.refused += count
  })
  sent.end(body)
}
