import { createServer } from 'node:http'
import tracer from 'dd-trace'
import { attributes, work } from './shared.mjs'

/** A span with six tags, encoded and sent to an agent that throws it away. */
export async function setup() {
  const agent = createServer((request, response) => {
    request.resume()
    request.on('end', () => response.end('{}'))
  })
  await new Promise((resolve) => agent.listen(0, '127.0.0.1', resolve))
  tracer.init({
    url: `http://127.0.0.1:${agent.address().port}`,
    plugins: false,
    runtimeMetrics: false,
    startupLogs: false,
    telemetry: { enabled: false },
    remoteConfig: { enabled: false },
  })
  return {
    call: tracer.wrap('Billing.charge', async (i) => {
      tracer.scope().active()?.addTags(attributes(i))
      return work(i)
    }),
  }
}
