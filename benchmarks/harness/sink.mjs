// Reads every request to its end and answers 200, or never with `hang`; prints its port.
import { createServer } from 'node:http'

const hangs = process.argv[2] === 'hang'
const server = createServer((request, response) => {
  request.resume()
  if (!hangs) request.on('end', () => response.end())
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`))
