import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { lookups, type Stack, until } from '@throughline/cli'
import pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { startServices } from '../../examples/dyno-allocation/src/demo/services.js'
import { postJson, traceRequest } from './support/otlp-json.js'
import { handSpan } from './support/otlp-protobuf.js'
import { testStack } from './support/test-stack.js'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

let stack: Stack
let url: string

beforeAll(async () => {
  stack = await testStack()
  await stack.startCollector()
  url = (await startServices(stack, 'collector')).url
})

describe('an inbound correlation ID that is none', () => {
  const order = JSON.stringify({ vehicleId: 7, from: '2031-01-06', days: 1, userId: 'u' })

  function send(headers: string[]): Promise<{ status: number; id: string }> {
    return new Promise((resolve, reject) => {
      const all = [
        'host',
        '127.0.0.1',
        'content-type',
        'application/json',
        'content-length',
        String(order.length),
        ...headers,
      ]
      const call = request(`${url}/allocations`, { method: 'POST', headers: all })
      call.on('error', reject)
      call.on('response', (response) => {
        response.resume()
        resolve({ status: response.statusCode ?? 0, id: String(response.headers['x-correlation-id']) })
      })
      call.end(order)
    })
  }

  test.each([
    ['9 kB long', ['x-correlation-id', 'a'.repeat(9_000)]],
    ['129 characters long', ['x-correlation-id', 'a'.repeat(129)]],
    ['with a space', ['x-correlation-id', 'a b']],
    ['a tab inside', ['x-correlation-id', 'a\tb']],
    ['two values', ['x-correlation-id', 'one', 'x-correlation-id', 'two']],
    ['empty', ['x-correlation-id', '']],
  ])('%s is replaced by a new one, and the request is served', async (_name, headers) => {
    const { status, id } = await send(headers)
    expect([201, 409]).toContain(status)
    expect(id).toMatch(UUID)
    await until(async () => (await lookups.rowsByCorrelation(stack.databaseUrl, id)).length === 2, {
      what: `the rows of ${id}`,
    })
  })

  test('with control characters is refused by the HTTP parser', async () => {
    const answer = await raw(
      new URL(url).port,
      `GET /healthz HTTP/1.1\r\nhost: x\r\nx-correlation-id: a\u0001b\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 400/)
  })

  test('128 good characters are kept', async () => {
    const id = `aZ0._:-${'x'.repeat(121)}`
    expect(await send(['x-correlation-id', id])).toMatchObject({ id })
  })
})

describe.each([
  ['the Collector', () => stack.otlpUrl],
  ['the recorder', () => stack.recorderUrl],
])('bad OTLP at %s', (name, base) => {
  const good = () => handSpan({ name: 'good', startMs: Date.now(), durationMs: 1 })

  async function rows(): Promise<number> {
    const client = new pg.Client({ connectionString: stack.databaseUrl })
    await client.connect()
    const { rows: found } = await client.query<{ n: string }>(
      `SELECT (SELECT count(*) FROM throughline.operations WHERE service IN ('unknown_service', 'by-hand')) + (SELECT count(*) FROM throughline.dead_letter) AS n`,
    )
    await client.end()
    return Number(found[0]!.n)
  }

  function post(body: Buffer | string, headers: Record<string, string>): Promise<Response> {
    const authorization = `Bearer ${stack.tokens.ingest}`
    return fetch(`${base()}/v1/traces`, { method: 'POST', headers: { authorization, ...headers }, body })
  }

  const protobuf = { 'content-type': 'application/x-protobuf' }
  const cases: [string, () => Promise<Response>][] = [
    ['malformed protobuf', () => post(Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3]), protobuf)],
    ['truncated protobuf', () => post(good().body.subarray(0, -9), protobuf)],
    ['malformed JSON', () => post('{"resourceSpans":[{', { 'content-type': 'application/json' })],
    [
      'JSON of the wrong shape',
      () => post('{"resourceSpans":"yes"}', { 'content-type': 'application/json' }),
    ],
    [
      'an oversized body',
      () => post(Buffer.alloc(20 * 2 ** 20, 0x20), { 'content-type': 'application/json' }),
    ],
    [
      'a gzip bomb',
      () => post(gzipSync(Buffer.alloc(512 * 2 ** 20)), { ...protobuf, 'content-encoding': 'gzip' }),
    ],
    ['gzip that is none', () => post(Buffer.from('not gzip'), { ...protobuf, 'content-encoding': 'gzip' })],
    ['an unknown content type', () => post('hello', { 'content-type': 'text/csv' })],
  ]

  test.each(cases)('%s is answered with a clear 4xx, and nothing is stored', async (_case, send) => {
    const before = await rows()
    const answer = await send()
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.status).toBeLessThan(500)
    expect((await answer.text()).length).toBeGreaterThan(0)
    expect(await rows()).toBe(before)
  })

  test('a hundred gzip bombs later it is the same process, its memory is flat, and it takes a good request', async () => {
    const part = stack.parts.find((one) => one.name === (name === 'the recorder' ? 'recorder' : 'collector'))!
    const bomb = gzipSync(Buffer.alloc(256 * 2 ** 20))
    const { pid } = part
    for (let i = 0; i < 100; i += 1) {
      const answer = await post(bomb, { ...protobuf, 'content-encoding': 'gzip' })
      await answer.text()
      expect(answer.status).toBeLessThan(500)
    }
    // One bomb decompressed is 256 MiB; a hundred held would be 25 GiB. The peak since its start, by the kernel's own book.
    expect(peakMiB(pid!)).toBeLessThan(400)
    expect(part.pid).toBe(pid)
    const { body } = traceRequest({
      attributes: { 'correlation.id': `good-after-${name.replace(' ', '-')}` },
    })
    expect((await postJson(`${base()}/v1/traces`, body, stack.tokens.ingest)).status).toBe(200)
  })
})

function peakMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)![1]) / 1_024
}

function raw(port: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(text, 'latin1'))
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
  })
}
