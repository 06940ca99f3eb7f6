import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { freePorts, lookups, type Stack, until } from '@throughline/cli'
import pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { ensureBinary } from '../../packages/cli/src/binaries/ensure.js'
import { collectorProcess } from '../../packages/cli/src/stack/collector.js'
import { runNode } from '../../packages/sdk/testing/child.js'
import { type Certificates, makeCertificates } from './support/certificates.js'
import { counterRequest, postJson, traceRequest } from './support/otlp-json.js'
import { atEnd, testStack } from './support/test-stack.js'

/*
 *   a service by hand ──► agent ──TLS, token──► gateway ──TLS, token──► recorder ──► Postgres
 *   the SDK ─────────TLS, token───────────────►    ├── tail sampling ──► Jaeger
 *                                                  └── metrics ──► Prometheus
 */
const files = fileURLToPath(new URL('../../otel-collector', import.meta.url))
const { resolve } = createRequire(import.meta.url)
const GATEWAY = [
  'base.yaml',
  'profiles/prometheus.yaml',
  'options/tail-sampling.yaml',
  'options/secured.yaml',
]
const AGENT = ['base.yaml', 'tiers/agent.yaml']
const TOKEN = randomBytes(24).toString('base64url')
const SECOND = randomBytes(24).toString('base64url')

let stack: Stack
let certificates: Certificates
let tokensFile: string
let agentUrl: string
let gatewayUrl: string
let startGateway: (settings?: Record<string, string>) => Promise<unknown>
let startAgent: (settings?: Record<string, string>) => Promise<unknown>
let agentMetrics: string

const part = (name: string) => stack.parts.find((one) => one.name === name)!

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'throughline-tiers-'))
  atEnd(async () => rmSync(folder, { recursive: true, force: true }))
  certificates = await makeCertificates(folder)
  tokensFile = join(folder, 'client-tokens')
  writeFileSync(tokensFile, `${TOKEN} agents\n${SECOND} being taken out\n`)
  stack = await testStack()
  const [binary, agentPorts] = await Promise.all([
    ensureBinary('otelcol'),
    freePorts(),
    stack.startJaeger(),
    stack.startPrometheus(),
  ])

  // The one of the stack speaks HTTP; this one has the same database and a certificate.
  const recorder = runNode([resolve('@throughline/recorder/main')], {
    THROUGHLINE_DATABASE_URL: stack.databaseUrl,
    THROUGHLINE_RECORDER_PORT: String(agentPorts.recorder),
    THROUGHLINE_RECORDER_TLS_CERT: certificates.server.cert,
    THROUGHLINE_RECORDER_TLS_KEY: certificates.server.key,
  })
  atEnd(async () => {
    recorder.process.kill()
    await recorder.ended
  })
  await until(() => recorder.stdout().includes('"listening"'), { what: 'the recorder with a certificate' })

  const collector =
    (name: string, ports: typeof agentPorts, configs: string[], own: Record<string, string>) =>
    (settings: Record<string, string> = {}) =>
      stack.startProgram({
        ...collectorProcess(binary, {
          assets: files,
          storage: join(stack.dir, name),
          profile: 'prometheus',
          ports,
          token: stack.tokens.ingest,
          settings: { ...own, ...settings },
        }),
        name,
        args: configs.flatMap((file) => ['--config', join(files, file)]),
      })
  gatewayUrl = `https://127.0.0.1:${stack.ports.otlpHttp}`
  startGateway = collector('gateway', stack.ports, GATEWAY, {
    THROUGHLINE_RECORDER_URL: `https://127.0.0.1:${agentPorts.recorder}`,
    THROUGHLINE_RECORDER_CA: certificates.ca,
    THROUGHLINE_TLS_CERT: certificates.server.cert,
    THROUGHLINE_TLS_KEY: certificates.server.key,
    THROUGHLINE_CLIENT_TOKENS_FILE: tokensFile,
    // The two spans of a trace come by different queues of the agent; within this they are together.
    THROUGHLINE_TAIL_WAIT: '3s',
    THROUGHLINE_TAIL_PERCENT: '0',
  })
  agentUrl = `http://127.0.0.1:${agentPorts.otlpHttp}`
  agentMetrics = `http://127.0.0.1:${agentPorts.collectorMetrics}/metrics`
  startAgent = collector('agent', agentPorts, AGENT, {
    THROUGHLINE_GATEWAY_URL: gatewayUrl,
    THROUGHLINE_GATEWAY_TOKEN: TOKEN,
    THROUGHLINE_GATEWAY_CA: certificates.ca,
  })
  await startGateway()
  await startAgent()
})

/** How many rows there are of these correlation IDs, and of how many different ones. */
async function rowsLike(prefix: string): Promise<{ rows: number; ids: number }> {
  const client = new pg.Client({ connectionString: stack.databaseUrl })
  await client.connect()
  try {
    const { rows } = await client.query<{ rows: number; ids: number }>(
      `select count(*)::int as rows, count(distinct correlation_id)::int as ids
         from throughline.operations where correlation_id like $1`,
      [`${prefix}-%`],
    )
    return rows[0]!
  } finally {
    await client.end()
  }
}

const record = (id: string) => traceRequest({ attributes: { 'correlation.id': id } }).body

async function giveAgent(prefix: string, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++)
    expect((await postJson(`${agentUrl}/v1/traces`, record(`${prefix}-${n}`))).status).toBe(200)
}

async function sampled(decision: boolean): Promise<number> {
  const page = await (await fetch(stack.urls.collectorMetrics)).text()
  const pattern = new RegExp(
    `^otelcol_processor_tail_sampling_global_count_traces_sampled\\{[^}]*sampled="${decision}"[^}]*\\} (\\d+)`,
    'm',
  )
  return Number(pattern.exec(page)?.[1] ?? 0)
}

test('through both tiers every operation is a row; Jaeger has what failed or was slow, whole', async () => {
  const kinds = {
    quick: { count: 20, options: { durationMs: 5 } },
    failed: { count: 6, options: { durationMs: 5, status: { code: 2, message: 'no' } } },
    slow: { count: 4, options: { durationMs: 2_500 } },
  }
  const traces = { quick: [] as string[], failed: [] as string[], slow: [] as string[] }
  for (const [kind, { count, options }] of Object.entries(kinds))
    for (let n = 0; n < count; n++) {
      const startMs = Date.now() - 3_000
      const attributes = { 'correlation.id': `tail-${kind}-${n}` }
      const operation = traceRequest({ ...options, startMs, attributes })
      const { traceId } = operation.span
      const other = traceRequest({
        scope: 'http',
        name: 'GET /',
        startMs,
        durationMs: 4,
        span: { traceId, spanId: randomBytes(8).toString('hex') },
      })
      for (const { body } of [operation, other])
        expect((await postJson(`${agentUrl}/v1/traces`, body)).status).toBe(200)
      traces[kind as keyof typeof traces].push(traceId)
    }

  await until(async () => (await rowsLike('tail')).rows >= 30, { what: '30 rows' })
  expect(await rowsLike('tail')).toEqual({ rows: 30, ids: 30 })
  const decided = async () => ({ kept: await sampled(true), left: await sampled(false) })
  await until(async () => Object.values(await decided()).reduce((a, b) => a + b) >= 30, {
    what: 'the decision over 30 traces',
  })
  expect(await decided()).toEqual({ kept: 10, left: 20 })
  for (const traceId of [...traces.failed, ...traces.slow])
    await until(async () => (await lookups.jaegerTrace(stack.urls.jaeger, traceId)).spans.length === 2, {
      what: `both spans of ${traceId} in Jaeger`,
    })
  for (const traceId of traces.quick)
    expect((await lookups.jaegerTrace(stack.urls.jaeger, traceId)).spans).toEqual([])
})

test('metrics go through both tiers, without the identifier', async () => {
  const request = counterRequest('throughline.business', 'business.tiers', 5, { 'user.id': 'somebody' })
  expect((await postJson(`${agentUrl}/v1/metrics`, request)).status).toBe(200)
  const query = () => lookups.prometheusQuery(stack.urls.prometheus, 'business_tiers_total')
  const [sample] = await until(async () => (await query()).length === 1 && query(), {
    what: 'the counter in Prometheus',
  })
  expect(sample?.value).toBe(5)
  expect(JSON.stringify(sample?.labels)).not.toContain('somebody')
})

test('a service with the SDK reaches the gateway by TLS and its token', async () => {
  const port = stack.ports.allocation
  await stack.startProgram({
    name: 'service',
    url: `http://127.0.0.1:${port}`,
    healthUrl: `http://127.0.0.1:${port}/`,
    command: process.execPath,
    args: [
      '--import',
      pathToFileURL(resolve('@throughline/sdk/register')).href,
      fileURLToPath(new URL('./support/sampled-program.mjs', import.meta.url)),
    ],
    env: {
      PORT: String(port),
      SUCCESSES: '5',
      FAILURES: '0',
      SLOW: '0',
      OTEL_SERVICE_NAME: 'by-tls',
      OTEL_EXPORTER_OTLP_ENDPOINT: gatewayUrl,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${TOKEN}`,
      NODE_EXTRA_CA_CERTS: certificates.ca,
      THROUGHLINE_SPOOL_DIR: join(stack.dir, 'spool'),
    },
  })
  const client = new pg.Client({ connectionString: stack.databaseUrl })
  await client.connect()
  try {
    await until(
      async () => {
        const query = "select from throughline.operations where service = 'by-tls'"
        return (await client.query(query)).rowCount === 5
      },
      { what: 'five rows of the service' },
    )
  } finally {
    await client.end()
  }
  await part('service').stop()
})

describe('the gateway refuses', () => {
  /** The status of the answer, or the code of the error. */
  const send = (id: string, options: { token?: string; ca?: string }) =>
    new Promise<number | string>((done) => {
      const sent = request(
        `${gatewayUrl}/v1/traces`,
        {
          method: 'POST',
          agent: false,
          ...(options.ca === undefined ? {} : { ca: readFileSync(options.ca) }),
          headers: {
            'content-type': 'application/json',
            ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
          },
        },
        (answer) => {
          answer.resume().on('end', () => done(answer.statusCode ?? 0))
        },
      )
      sent.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message))
      sent.end(JSON.stringify(record(id)))
    })

  test('a request without a token, with a wrong one, without TLS; it takes each token of its file', async () => {
    const { ca } = certificates
    expect(await send('refused-1', { ca })).toBe(401)
    expect(await send('refused-2', { ca, token: 'wrong' })).toBe(401)
    expect(await send('refused-3', { ca, token: '' })).toBe(401)
    const plain = gatewayUrl.replace('https:', 'http:')
    expect((await postJson(`${plain}/v1/traces`, record('refused-4'), TOKEN)).status).toBe(400)
    expect(await send('refused-5', { token: TOKEN }), 'an authority that is not trusted').toMatch(
      /CERT|SIGNATURE/,
    )
    expect(await send('taken-1', { ca, token: TOKEN })).toBe(200)
    expect(await send('taken-2', { ca, token: SECOND })).toBe(200)
    await until(async () => (await rowsLike('taken')).ids === 2, { what: 'the rows that were sent rightly' })
    expect(await rowsLike('refused')).toEqual({ rows: 0, ids: 0 })
  })

  test('a token from when it is taken out of the file', async () => {
    writeFileSync(tokensFile, `${TOKEN} agents\n`)
    const { ca } = certificates
    await until(async () => (await send('taken-3', { ca, token: SECOND })) === 401, {
      what: 'an answer of 401 to the token that was taken out',
    })
    expect(await send('taken-4', { ca, token: TOKEN })).toBe(200)
  })
})

test('a gateway that is killed and comes back costs no record and doubles none', async () => {
  const ALL = 150
  await giveAgent('outage', 0, 50)
  await part('gateway').kill('SIGKILL')
  await giveAgent('outage', 50, ALL)
  await part('gateway').start()
  await until(async () => (await rowsLike('outage')).ids >= ALL, { what: `${ALL} rows` })
  expect(await rowsLike('outage')).toEqual({ rows: ALL, ids: ALL })
})

test('a Jaeger that is away, with its queue full, holds back no record behind tail sampling', async () => {
  await part('gateway').stop()
  await startGateway({
    THROUGHLINE_JAEGER_OTLP: `127.0.0.1:${stack.ports.catalogue}`,
    THROUGHLINE_JAEGER_QUEUE_BYTES: '65536',
    THROUGHLINE_TAIL_WAIT: '500ms',
    THROUGHLINE_TAIL_PERCENT: '100',
  })
  const ALL = 60
  for (let n = 0; n < ALL; n++) {
    // Two of them fill the queue.
    const attributes = { 'correlation.id': `full-${n}`, 'metadata.text': 'x'.repeat(30_000) }
    expect((await postJson(`${agentUrl}/v1/traces`, traceRequest({ attributes }).body)).status).toBe(200)
  }
  await until(async () => (await rowsLike('full')).ids === ALL, { what: `${ALL} rows` })
  const lost = /^otelcol_exporter_enqueue_failed_spans\{[^}]*exporter="otlp_grpc\/jaeger"[^}]*\} (\d+)/m
  const page = async () => (await fetch(stack.urls.collectorMetrics)).text()
  await until(async () => Number(lost.exec(await page())?.[1]) > 0, { what: 'a queue that was full' })
})

test('a gateway that asks for a certificate gets the records of an agent once it has one', async () => {
  await part('gateway').stop()
  await startGateway({ THROUGHLINE_TLS_CLIENT_CA: certificates.ca })
  await giveAgent('certificate', 0, 10)
  const failures = () => readFileSync(part('agent').logFile!, 'utf8').match(/certificate required/g)
  await until(failures, { what: 'a refused handshake' })
  expect(await rowsLike('certificate')).toEqual({ rows: 0, ids: 0 })
  await part('agent').stop()
  await startAgent({
    THROUGHLINE_GATEWAY_CLIENT_CERT: certificates.client.cert,
    THROUGHLINE_GATEWAY_CLIENT_KEY: certificates.client.key,
  })
  await until(async () => (await rowsLike('certificate')).ids === 10, { what: 'the ten rows' })
})

// Why a token is changed in the gateway's file first; the SDK with `confirm: 'recorder'` sends such records again.
test('an agent with a wrong token loses what it sends, and counts it', async () => {
  await part('gateway').stop()
  await startGateway()
  await part('agent').stop()
  await startAgent({ THROUGHLINE_GATEWAY_TOKEN: 'wrong' })
  await giveAgent('wrong-token', 0, 3)
  const lost = /^otelcol_exporter_send_failed_spans\{[^}]*exporter="otlp_http\/records"[^}]*\} (\d+)/m
  await until(async () => Number(lost.exec(await (await fetch(agentMetrics)).text())?.[1]) >= 3, {
    what: 'three spans that were given up',
  })
  expect(await rowsLike('wrong-token')).toEqual({ rows: 0, ids: 0 })
})
