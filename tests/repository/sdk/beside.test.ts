import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { built, type Child, runNode, type Scratch, scratch } from '../../../packages/sdk/testing/child.js'
import { type Receiver, startReceiver } from '../../../packages/sdk/testing/receiver.js'
import { installOwn } from '../../support/npm.js'
import { root } from '../workspace.js'

const folder = join(root, 'tests/sdk/beside')
const register = ['--import', built('sdk/dist/esm/register.js')]
const with_ = (file: string) => ['--import', join(folder, file)]

let room: Scratch
let receiver: Receiver
let theirs: { url: string; bodies: { path: string; text: string }[]; server: Server }
let child: Child | undefined
beforeAll(() => installOwn(folder))
beforeEach(async () => {
  room = scratch()
  receiver = await startReceiver()
  theirs = await otherBackend()
})
afterEach(async () => {
  child?.process.kill('SIGKILL')
  await child?.ended
  await receiver.close()
  theirs.server.closeAllConnections()
  await new Promise((resolve) => theirs.server.close(resolve))
  room.remove()
})

/** Takes what Sentry and a Datadog agent would, and keeps it as text. */
async function otherBackend(): Promise<typeof theirs> {
  const bodies: { path: string; text: string }[] = []
  const server = createServer(async (request, response) => {
    const body = await buffer(request).catch(() => Buffer.alloc(0))
    const plain = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
    bodies.push({ path: request.url ?? '', text: plain.toString('latin1') })
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies, server }
}

async function run(args: string[], env: Record<string, string>): Promise<Child> {
  child = runNode([...args, join(folder, 'app.mjs')], {
    OTEL_SERVICE_NAME: 'shop',
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    THROUGHLINE_SPOOL_DIR: join(room.dir, 'spool'),
    CORE: built('core/dist/esm/index.js'),
    ...env,
  })
  expect(await child.ended, child.stderr()).toEqual({ code: 0, signal: null })
  return child
}

const sentry = () => ({ SENTRY_DSN: theirs.url.replace('://', '://key@').concat('/1') })
const datadog = () => ({
  DD_TRACE_AGENT_URL: theirs.url,
  DD_SERVICE: 'shop',
  DD_TRACE_FLUSH_INTERVAL: '100',
  DD_TRACE_STARTUP_LOGS: 'false',
  // Else both write `traceparent`, and the one that patched http first is overwritten.
  DD_TRACE_PROPAGATION_STYLE: 'datadog',
  DD_REMOTE_CONFIGURATION_ENABLED: 'false',
  DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false',
})

const records = () => receiver.records().map((one) => `${one.name} ${one.attributes.outcome}`)
const allRecords = ['Billing.charge success', 'Billing.refuse failure', 'Billing.charge success']
const envelopes = () => theirs.bodies.filter((one) => one.path.includes('/envelope')).map((one) => one.text)

/** Spans of the request that the application made to itself; the other tracer's own traffic is none of them. */
const ofRequest = () =>
  receiver
    .spans('@opentelemetry/instrumentation-http')
    .filter((one) => String(one.attributes['url.path'] ?? one.attributes['url.full']).endsWith('/pay'))

function expectOursWhole(): void {
  expect(records()).toEqual(allRecords)
  expect(receiver.records()[0]?.attributes['correlation.id']).toBe('order-1')
  expect(ofRequest().map((one) => one.kind)).toHaveLength(2)
  const server = ofRequest().find((one) => one.kind === 2)
  expect(ofRequest().find((one) => one.kind === 3)?.spanId).toBe(server?.parentSpanId)
  expect(receiver.records()[0]?.parentSpanId).toBe(server?.spanId)
}

test.each([
  ['before', [...with_('sentry.mjs'), ...register]],
  ['after', [...register, ...with_('sentry.mjs')]],
])(
  'Sentry %s us: its error and its trace arrive there, and all of ours: one span of each kind',
  async (_, args) => {
    await run(args, sentry())
    expectOursWhole()
    expect(envelopes().some((text) => text.includes('for Sentry'))).toBe(true)
    expect(envelopes().some((text) => text.includes('"type":"span"') && text.includes('theirs'))).toBe(true)
  },
)

test.each([
  ['before', [...with_('datadog.mjs'), ...register]],
  ['after', [...register, ...with_('datadog.mjs')]],
  ['with its module hooks before', [...with_('node_modules/dd-trace/initialize.mjs'), ...register]],
  ['with its module hooks after', [...register, ...with_('node_modules/dd-trace/initialize.mjs')]],
])(
  'dd-trace %s us: its trace arrives at its agent, and all of ours: one span of each kind',
  async (_, args) => {
    await run(args, datadog())
    expectOursWhole()
    const traces = theirs.bodies.filter((one) => /\/v0\.\d\/traces/.test(one.path))
    expect(traces.some((one) => one.text.includes('theirs'))).toBe(true)
  },
)
