import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { createToken } from '../../packages/postgres/src/tokens.js'
import { createRecorder, type Recorder } from '../../packages/recorder/src/index.js'
import { type Child, IMPORTS, runLines, type Scratch, scratch } from '../../packages/sdk/testing/child.js'
import { until } from '../../packages/sdk/testing/until.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'

/*
 * Services with `confirm: 'recorder'`, a real recorder with tokens, a real Postgres, and between them something that answers 200 as a Collector
 * does, before it has handed anything on, and that loses what a test tells it to.
 */

let database: TestDatabase
let pool: pg.Pool
let recorder: Recorder
let recorderUrl: string
let secret: string
let collector: Server
let collectorUrl: string
/** Of the requests with records, counted from 1: whether the Collector hands it on. */
let handsOn: (request: number) => boolean
let requests: number
let room: Scratch
let children: Child[]

beforeAll(async () => {
  database = await testDatabase()
  pool = new pg.Pool({ connectionString: database.url, max: 2 })
  recorder = createRecorder({ databaseUrl: database.url, port: 0, tokenRefreshMs: 100, log: () => {} })
  recorderUrl = (await recorder.listen()).url
  await vi.waitUntil(async () => (await fetch(`${recorderUrl}/healthz`)).ok, { timeout: 10_000 })
  secret = (await createToken(pool, { name: 'tests', role: 'ingest' })).secret
  collector = createServer(async (request, response) => {
    const body = await buffer(request)
    if (request.url !== '/v1/traces' || body.byteLength === 0) return response.end()
    requests += 1
    const lost = !handsOn(requests)
    response.end()
    for (let status = 0; !lost && status !== 200; ) {
      const answer = await fetch(`${recorderUrl}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-protobuf', authorization: `Bearer ${secret}` },
        body,
      }).catch(() => undefined)
      status = answer?.status ?? 0
    }
  })
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
  collectorUrl = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
})
afterAll(async () => {
  collector.closeAllConnections()
  await new Promise((resolve) => collector.close(resolve))
  await recorder.close()
  await pool.end()
  await database.drop()
})
beforeEach(async () => {
  room = scratch()
  children = []
  requests = 0
  handsOn = () => true
  await pool.query('TRUNCATE throughline.operations, throughline.delivered, throughline.instances')
})
afterEach(async () => {
  for (const child of children) child.process.kill('SIGKILL')
  await Promise.all(children.map((one) => one.ended))
  room.remove()
})

const spoolDir = () => join(room.dir, 'spool')

function service(body: string, env: Record<string, string> = {}): Child {
  const child = runLines(`${IMPORTS}\n${body}`, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl,
    THROUGHLINE_RECORDER_URL: recorderUrl,
    THROUGHLINE_RECORDER_TOKEN: secret,
    THROUGHLINE_CONFIRM_TIMEOUT: '1000',
    THROUGHLINE_SPOOL_DIR: spoolDir(),
    ...env,
  })
  children.push(child)
  return child
}

async function rows(): Promise<string[]> {
  const found = await pool.query('SELECT correlation_id FROM throughline.operations')
  return found.rows.map((row) => row.correlation_id)
}

const CALLS = `
  const sdk = await start({ serviceName: 'shop' })
  const call = track('Shop.sell', async () => 1)
  let n = 0
  const sell = async (times) => { for (let i = 0; i < times; i += 1) await correlation.run('sale-' + (n += 1), call) }`

test('a shutdown ends when the recorder has everything, and leaves no spool', async () => {
  const child = service(`${CALLS}
    await sell(50)
    process.exitCode = await sdk.shutdown(10_000) ? 0 : 1`)
  expect(await child.ended, child.stderr()).toEqual({ code: 0, signal: null })
  expect(await rows()).toHaveLength(50)
  expect(readdirSync(spoolDir())).toEqual([])
  expect(child.stderr()).toContain(`confirmed by ${recorderUrl}/v1/confirm`)
  expect(child.stderr()).not.toContain(secret)
  const { rows: instances } = await pool.query(
    'SELECT service, stop_reason, last_seq::int FROM throughline.instances',
  )
  expect(instances).toEqual([{ service: 'shop', stop_reason: 'shutdown', last_seq: 52 }])
})

test('what the Collector took and lost comes again, and each is one row', async () => {
  handsOn = (request) => request % 3 === 0
  const child = service(`${CALLS}
    for (let i = 0; i < 6; i += 1) { await sell(20); await sdk.flush(200) }
    process.exitCode = await sdk.shutdown(25_000) ? 0 : 1`)
  expect(await child.ended, child.stderr()).toEqual({ code: 0, signal: null })
  const found = await rows()
  expect(new Set(found).size).toBe(120)
  expect(found).toHaveLength(120)
})

test('a service that is killed with unconfirmed records: the next start asks for them and sends what is missing', async () => {
  let lose = true
  handsOn = () => !lose
  const journal = join(room.dir, 'journal')
  writeFileSync(journal, '')
  const killed = service(`${CALLS}
    const { openSync } = await import('node:fs')
    const file = openSync(${JSON.stringify(journal)}, 'a')
    for (;;) { await sell(1); writeSync(file, 'sale-' + n + '\\n'); await new Promise((resolve) => setTimeout(resolve, 1)) }`)
  await until('the Collector has lost some', () => requests >= 3 && statSync(journal).size > 1_000)
  lose = false
  const from = requests
  await until('it has handed on some', () => requests >= from + 3)
  killed.process.kill('SIGKILL')
  await killed.ended
  const next = service(`process.exitCode = await (await start()).shutdown(20_000) ? 0 : 1`)
  expect(await next.ended, next.stderr()).toEqual({ code: 0, signal: null })
  const completed = readFileSync(journal, 'utf8').trimEnd().split('\n')
  const found = await rows()
  expect(completed.length).toBeGreaterThan(100)
  expect(completed.filter((id) => !found.includes(id))).toEqual([])
  expect(new Set(found).size).toBe(found.length)
})

test('a token that is not valid: records stay, and go when it is mended', async () => {
  const child = service(
    `${CALLS}
    await sell(10)
    process.exitCode = await sdk.shutdown(700) ? 0 : 1`,
    { THROUGHLINE_RECORDER_TOKEN: 'tl_ingest_unknown' },
  )
  expect(await child.ended).toEqual({ code: 1, signal: null })
  expect(child.stderr()).toMatch(/confirm_failed: the recorder cannot be asked: it answered 401/)
  expect(readdirSync(spoolDir())).toHaveLength(1)
  const next = service(`process.exitCode = await (await start()).shutdown(20_000) ? 0 : 1`)
  expect(await next.ended, next.stderr()).toEqual({ code: 0, signal: null })
  expect(await rows()).toHaveLength(10)
})

test('in direct mode the token goes along with the records', async () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: '' }
  const child = service(`${CALLS}\nawait sell(5)\nprocess.exitCode = await sdk.shutdown(10_000) ? 0 : 1`, env)
  expect(await child.ended, child.stderr()).toEqual({ code: 0, signal: null })
  expect(await rows()).toHaveLength(5)
  expect(requests).toBe(0)
  // Nothing was left to be asked: the 200 came after the COMMIT.
  expect(child.stderr()).not.toContain('/v1/confirm')
})
