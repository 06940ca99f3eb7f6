// A service as users write them, started with `node --import @throughline/sdk/register`. A request names the operations that it shall do; each
// is told the moment its caller in here has it, in a line of the answer. A line that was written survives a kill -9 of this process.
import { createServer } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import { business, correlation, track } from '@throughline/core'

const amount = business.money('faults.amount', { currency: 'USD' })

const step = track('Fault.step', async (number) => {
  await turn()
  if (number % 4 === 0) amount.add('0.25')
  if (number % 10 === 3) throw new RangeError(`operation ${number} fails, as it shall`)
  return number
})

let closing = false
const server = createServer(async (request, response) => {
  // Callers that are busy would keep their connections, and this process, for ever.
  if (closing) response.setHeader('connection', 'close')
  if (request.url === '/healthz') return response.end('ok')
  const { prefix, first, count } = JSON.parse(await text(request))
  response.writeHead(200, { 'content-type': 'text/plain' })
  for (let number = first; number < first + count; number += 1) {
    await correlation.run(`${prefix}${number}`, () => step(number)).catch(() => {})
    response.write(`${number}\n`)
  }
  response.end('end\n')
})

async function text(stream) {
  let all = ''
  for await (const piece of stream) all += piece
  return all
}

server.listen(Number(process.env.PORT), '127.0.0.1')

// Requests that run are answered first; the SDK, which holds the exit, brings out the rest.
process.once('SIGTERM', () => {
  closing = true
  server.close()
  server.closeIdleConnections()
})
