import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeTraces } from '@throughline/otlp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { doctor } from '../commands/doctor.js'
import { type Diagnosis, diagnose } from './doctor.js'
import { findTargets, type Named } from './targets.js'

/*
 * Programs of others, as far as they answer what is asked here: what a real stack does not have in reach. The real ones are looked at in
 * tests/e2e/doctor.test.ts.
 */
const servers: Server[] = []
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-diagnose-'))
})
afterAll(async () => {
  for (const server of servers) server.close().closeAllConnections()
  await rm(folder, { recursive: true })
})

const serve = (listener: RequestListener): Promise<string> =>
  new Promise((resolve) => {
    const server = createServer(listener).listen(0, '127.0.0.1', () => {
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    })
    servers.push(server)
  })

type Page = { status?: number; type?: string; text?: string }
/** Answers by path, 404 to every other one. */
const pages = (known: Record<string, Page>): Promise<string> =>
  serve((request, response) => {
    const page = known[request.url!.split('?', 1)[0]!] ?? { status: 404 }
    request.resume().once('end', () => {
      response
        .writeHead(page.status ?? 200, { 'content-type': page.type ?? 'application/json' })
        .end(page.text)
    })
  })

const otlp = { type: 'application/x-protobuf' }
const collectorPages = { '/v1/traces': otlp, '/v1/metrics': otlp }
const versionPage = (version: string) =>
  `otelcol_process_uptime_seconds_total{service_version="${version}"} 1\n`

const look = (named: Named, timeoutMs = 2_000): Promise<Diagnosis> =>
  diagnose({
    // A port of loopback at which nobody listens, for whatever was not named.
    targets: findTargets(
      { otlp: 'http://127.0.0.1:9', recorder: 'http://127.0.0.1:9', spool: folder, ...named },
      {},
      undefined,
    ),
    project: undefined,
    timeoutMs,
    waitMs: 200,
  })
const hop = ({ results }: Diagnosis, name: string) => results.find((one) => one.name === name)!

test('where nobody listens the two ends are named, and everything between them is not reached', async () => {
  const found = await look({})
  expect(found.ok).toBe(false)
  const failed = found.results.filter(({ state }) => state === 'failed')
  expect(failed.map(({ name, mend }) => [name, mend!.split(' ')[0]])).toEqual([
    ['address', 'npx'],
    ['recorder', 'export'],
  ])
})

test('where everything takes the connection and says nothing, it ends and names each end', async () => {
  const hanging = await serve(() => {})
  const places = {
    otlp: hanging,
    recorder: hanging,
    jaeger: hanging,
    prometheus: hanging,
    cloudwatch: hanging,
  }
  const { results } = await look({ ...places, collectorMetrics: hanging }, 100)
  const failed = results.filter(({ name, state }) => state === 'failed' && name !== 'spool')
  expect(failed.map(({ name }) => name)).toEqual([
    'address',
    'recorder',
    'jaeger',
    'prometheus',
    'cloudwatch',
  ])
  for (const { found } of failed) expect(found).toContain('no answer within 0.1 s')
})

test('a Collector that wants a token says so, with the variable that carries one', async () => {
  const found = await look({ otlp: await pages({ '/v1/traces': { status: 401 } }) })
  expect(hop(found, 'collector')).toMatchObject({
    state: 'failed',
    mend: expect.stringContaining('OTEL_EXPORTER_OTLP_HEADERS'),
  })
})

test('a page of the web that answers 200 to everything is no Collector', async () => {
  const found = await look({ otlp: await serve((_request, response) => void response.end('<html>')) })
  expect(hop(found, 'collector')).toMatchObject({
    state: 'failed',
    found: expect.stringContaining('no OTLP'),
  })
})

test('an older Collector is a warning; one whose page nobody named is none', async () => {
  const url = await pages({ ...collectorPages, '/metrics': { text: versionPage('0.99.0') } })
  expect(hop(await look({ otlp: url, collectorMetrics: `${url}/metrics` }), 'collector')).toMatchObject({
    state: 'warning',
    found: expect.stringContaining('0.99.0'),
  })
})

test('to a recorder that is older than this command nothing is sent that it would take for a real operation', async () => {
  const scopes: string[] = []
  const collector = await serve(async (request, response) => {
    const body = await bytesOf(request)
    if (request.url === '/v1/traces')
      for (const { scopes: of } of decodeTraces(body, 'protobuf'))
        scopes.push(...of.map(({ scope }) => scope.name))
    response.writeHead(200, { 'content-type': otlp.type }).end()
  })
  const recorder = await pages({ '/healthz': { text: '{"status":"ok"}' } })
  const found = await look({ otlp: collector, recorder })
  expect(hop(found, 'recorder')).toMatchObject({ state: 'failed', found: expect.stringContaining('older') })
  expect(scopes).toEqual(['throughline.doctor'])
})

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

test('a Prometheus that takes no OTLP is told with the flag that it lacks, an old one with a warning', async () => {
  const buildinfo = (version: string) => ({
    '/api/v1/status/buildinfo': { text: JSON.stringify({ status: 'success', data: { version } }) },
  })
  const otlpUrl = await pages(collectorPages)
  const closed = await look({ otlp: otlpUrl, prometheus: await pages(buildinfo('3.1.0')) })
  expect(hop(closed, 'prometheus')).toMatchObject({
    state: 'failed',
    mend: expect.stringContaining('--web.enable-otlp-receiver'),
  })
  const old = await pages({ ...buildinfo('2.55.0'), '/api/v1/otlp/v1/metrics': {} })
  expect(hop(await look({ otlp: otlpUrl, prometheus: old }), 'prometheus').state).toBe('warning')
})

test('a schema that a recorder cannot start on is named, and not the tokens that it cannot read yet', async () => {
  const away = { status: 503, text: '{"status":"unavailable","reason":"database: TL_SCHEMA_OLDER"}' }
  const recorder = await pages({ '/healthz': away, '/v1/synthetic': away, '/v1/session': away })
  const found = await look({ otlp: await pages(collectorPages), recorder, token: 'any' })
  expect(found.results.filter(({ state }) => state === 'failed').map(({ name }) => name)).toEqual(['schema'])
  expect(hop(found, 'schema').mend).toContain('throughline migrate')
  expect(hop(found, 'postgres').state).toBe('ok')
})

test('a spool that cannot be made is told; one that is not made yet is looked for where it will be', async () => {
  await writeFile(join(folder, 'file'), '')
  expect(hop(await look({ spool: join(folder, 'file', 'spool') }), 'spool').state).toBe('failed')
  expect(hop(await look({ spool: join(folder, 'not', 'yet') }), 'spool').state).not.toBe('failed')
})

test('an option that cannot be is refused with what is needed', async () => {
  await expect(doctor(['--timeout', 'soon'])).rejects.toMatchObject({ code: 'TL_USAGE' })
  await expect(doctor(['--jaeger', 'localhost:16686'])).rejects.toMatchObject({ code: 'TL_USAGE' })
  await expect(doctor(['--token-file', join(folder, 'none')])).rejects.toMatchObject({ code: 'TL_USAGE' })
})
