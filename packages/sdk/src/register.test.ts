import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { built, type Child, runNode, type Scratch, scratch } from '../testing/child.js'
import { type Receiver, startReceiver } from '../testing/receiver.js'

let room: Scratch
let receiver: Receiver
let child: Child | undefined
beforeEach(async () => {
  room = scratch()
  receiver = await startReceiver()
})
afterEach(async () => {
  child?.process.kill('SIGKILL')
  await child?.ended
  await receiver.close()
  room.remove()
})

/** Serves two paths, asks itself one through the other by http and by fetch, and ends by itself. */
const body = `
  const work = track('Front.work', async (port) => {
    const inner = await new Promise((resolve, reject) =>
      http.get({ port, path: '/inner' }, (answer) => { answer.resume(); answer.on('end', () => resolve(answer.headers['x-correlation-id'])) }).on('error', reject))
    const fetched = await (await fetch('http://127.0.0.1:' + port + '/fetched')).text()
    return [inner, fetched]
  })
  const identify = correlation.middleware()
  const server = http.createServer((request, response) => identify(request, response, async () => {
    if (request.url === '/outer') response.end(JSON.stringify(await work(server.address().port)))
    else response.end(correlation.id())
  }))
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address()
    // A raw socket: the first request comes from outside, without a client span.
    const socket = net.connect(port, '127.0.0.1', () =>
      socket.write('GET /outer HTTP/1.1\\r\\nhost: x\\r\\nx-correlation-id: order-4711\\r\\nconnection: close\\r\\n\\r\\n'))
    let text = ''
    socket.on('data', (chunk) => { text += chunk })
    socket.on('end', () => { console.log(text); server.close(); server.closeAllConnections() })
  })
`
const core = (kind: 'esm' | 'cjs') => built(`core/dist/${kind}/index.js`)
const apps = {
  'app.mjs': `import http from 'node:http'\nimport net from 'node:net'\nimport { correlation, track } from '${core('esm')}'\n${body}`,
  'named.mjs': `import * as all from 'node:http'\nimport { createServer, get } from 'node:http'\nimport net from 'node:net'\nimport { correlation, track } from '${core('esm')}'\nconst http = { createServer, get }\nvoid all\n${body}`,
  'app.cjs': `const http = require('http')\nconst net = require('net')\nconst { correlation, track } = require(${JSON.stringify(fileURLToPath(core('cjs')))})\n${body}`,
}

async function run(file: keyof typeof apps, env: Record<string, string> = {}): Promise<Child> {
  const path = join(room.dir, file)
  writeFileSync(path, apps[file])
  child = runNode(['--import', built('sdk/dist/esm/register.js'), path], {
    OTEL_SERVICE_NAME: 'front',
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    THROUGHLINE_SPOOL_DIR: join(room.dir, 'spool'),
    ...env,
  })
  expect(await child.ended).toEqual({ code: 0, signal: null })
  return child
}

test.each(Object.keys(apps) as (keyof typeof apps)[])(
  '%s: one server span and one client span a request, one trace, one correlation ID, one row',
  async (file) => {
    const { stdout, stderr } = await run(file)
    expect(stderr()).toMatch(/^throughline: front; instruments http, undici; [^\n]*\n$/)
    expect(stdout()).toMatch(/^x-correlation-id: order-4711\r$/im)
    expect(stdout()).toContain('["order-4711","order-4711"]')
    const http = receiver.spans('@opentelemetry/instrumentation-http')
    const undici = receiver.spans('@opentelemetry/instrumentation-undici')
    const [record, ...more] = receiver.records()
    expect(more).toEqual([])
    const servers = http.filter((one) => one.kind === 2)
    expect(servers.map((one) => one.attributes['url.path'] ?? one.attributes['http.target']).sort()).toEqual([
      '/fetched',
      '/inner',
      '/outer',
    ])
    const clients = [...http.filter((one) => one.kind === 3), ...undici]
    expect(clients).toHaveLength(2)
    expect(http).toHaveLength(4)
    const all = [...servers, ...clients, record!]
    expect(new Set(all.map((one) => one.traceId)).size).toBe(1)
    expect(all.map((one) => one.attributes['correlation.id'])).toEqual(all.map(() => 'order-4711'))
    expect(clients.map((one) => one.parentSpanId)).toEqual([record?.spanId, record?.spanId])
    const outer = servers.find((one) => !clients.some((client) => client.spanId === one.parentSpanId))
    expect(record?.parentSpanId).toBe(outer?.spanId)
  },
)

test('HTTP metrics of the instrumentation are exported as well', async () => {
  await run('app.mjs')
  const exported = receiver.metricsOf('@opentelemetry/instrumentation-http').at(-1)
  expect(exported?.metrics[0]?.scopes.flatMap((one) => one.metrics.map((metric) => metric.name))).toEqual(
    expect.arrayContaining(['http.server.request.duration', 'http.client.request.duration']),
  )
})

test('a wrong variable is one line on stderr, and the application runs as it would without us', async () => {
  const { stdout, stderr } = await run('app.mjs', { THROUGHLINE_METRICS_PORT: 'many' })
  expect(stderr()).toMatch(
    /^throughline: not started, nothing is recorded: metricsPort \(THROUGHLINE_METRICS_PORT\) is 'many'[^\n]*\n$/,
  )
  expect(stdout()).toMatch(/^HTTP\/1.1 200/)
  expect(receiver.requests).toEqual([])
})

test('OTEL_SDK_DISABLED starts nothing and says nothing', async () => {
  const { stdout, stderr } = await run('app.cjs', { OTEL_SDK_DISABLED: 'true' })
  expect(stderr()).toBe('')
  expect(stdout()).toMatch(/^HTTP\/1.1 200/)
  expect(receiver.requests).toEqual([])
})
