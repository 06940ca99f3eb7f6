import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { aSpan, json, jsonOf, nowNs, post, protobuf, requestOf } from '../test/requests.js'
import { useRecorder } from '../test/running-recorder.js'

const recorder = useRecorder()

/** Numbers that look random and are the same in each run (mulberry32). */
const numbers = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
}

const good = async (): Promise<void> => {
  expect((await post(recorder.url, requestOf([aSpan()]))).status).toBe(200)
}

const aFullSpan = () =>
  aSpan({
    parentSpanId: '00f067aa0ba902b7',
    flags: 257,
    status: { code: 2, message: 'declined' },
    attributes: {
      'correlation.id': 'order-4711',
      'user.id': 42,
      'throughline.instance': '018f6a2e-7c1b-7d3e-9a51-0123456789ab',
      'throughline.seq': 7,
      'throughline.business': '[{"name":"business.value","labels":{"currency":"USD"},"value":"129.90"}]',
      'metadata.site': 'cologne',
      'metadata.deep': [1, [2n, [3.5, { a: new Uint8Array([1, 2]) }]]],
      metadata: '{"a":{"b":[1,2,3]}}',
    },
    events: [{ name: 'exception', timeUnixNano: nowNs(), attributes: { 'exception.message': 'no' } }],
  })

// A 5xx would be worse than a lost record: the Collector repeats it for ever, and what waits behind it never comes.
test('whatever a damaged body holds, it is stored, parked or refused for good; never answered to be repeated', async () => {
  const random = numbers(4711)
  const below = (limit: number): number => Math.floor(random() * limit)
  const bodies: [Buffer, Record<string, string>][] = [
    [requestOf([aFullSpan(), aFullSpan()]), protobuf],
    [
      Buffer.from(
        jsonOf({
          traceId: 'ab'.repeat(16),
          spanId: 'cd'.repeat(8),
          name: 'Billing.charge',
          startTimeUnixNano: String(nowNs()),
          endTimeUnixNano: String(nowNs()),
          attributes: [{ key: 'throughline.seq', value: { intValue: '7' } }],
          status: { code: 1 },
        }),
      ),
      json,
    ],
  ]
  const seen = new Map<number, number>()
  for (let n = 0; n < 1_500; n += 1) {
    const [body, headers] = bodies[n % 2]!
    const damaged = Buffer.from(body)
    for (let times = 1 + below(6); times > 0; times -= 1) {
      const at = below(damaged.length)
      const kind = below(4)
      if (kind === 0) damaged[at] = below(256)
      else if (kind === 1) damaged[at] = damaged[at]! ^ (1 << below(8))
      else if (kind === 2) damaged.copyWithin(at, below(damaged.length), below(damaged.length))
      else damaged.fill([0, 0xff, 0x7f, 0x80][below(4)]!, at, Math.min(damaged.length, at + below(12)))
    }
    const cut = below(5) === 0 ? damaged.subarray(0, below(damaged.length)) : damaged
    const answer = await post(recorder.url, cut, headers)
    await answer.arrayBuffer()
    seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1)
  }
  expect([...seen.keys()].filter((status) => ![200, 400, 413].includes(status))).toEqual([])
  expect(seen.get(200)).toBeGreaterThan(50)
  expect(seen.get(400)).toBeGreaterThan(50)
  await good()
})

test.each<[string, Parameters<typeof aSpan>[0]]>([
  [
    'the last nanosecond that there is',
    { startTimeUnixNano: 2n ** 64n - 1n, endTimeUnixNano: 2n ** 64n - 1n },
  ],
  ['a duration of 500 years', { endTimeUnixNano: 2n ** 64n - 1n }],
  ['a number of an instance beyond 2^63', { attributes: { 'throughline.seq': -(2n ** 63n) } }],
  [
    'NUL and lone surrogates in every text',
    { name: 'a\u0000b\ud800.c\u0000', attributes: { 'user.id': '\u0000' } },
  ],
  ['a correlation ID of 9 MB', { attributes: { 'correlation.id': 'ü'.repeat(4_500_000) } }],
  ['metadata of 9 MB', { attributes: { 'metadata.x': 'ü'.repeat(4_500_000) } }],
  [
    'nested metadata that jsonb refuses',
    { attributes: { metadata: `{"a":${'['.repeat(9_000)}${']'.repeat(9_000)}}` } },
  ],
  [
    '50,000 attributes',
    { attributes: Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`metadata.${n}`, n])) },
  ],
  [
    'keys that an object has by itself',
    { attributes: { __proto__x: 1, constructor: 'c', 'metadata.__proto__': 'p', 'metadata.toString': 1 } },
  ],
  [
    'an instance start without an instance',
    { name: 'throughline.instance', attributes: { 'throughline.lifecycle': 'start' } },
  ],
])('a record with %s is stored or parked, and those beside it are stored', async (_, changes) => {
  const answer = await post(recorder.url, requestOf([aSpan(), aSpan(changes), aSpan()]))
  expect(answer.status).toBe(200)
  const stored = (await recorder.rows()).length
  expect(stored).toBeGreaterThanOrEqual(2)
  expect(stored + (await recorder.parked()).length).toBe(3)
})

test('a body that becomes far more than it is, is refused while it is read: memory stays flat', async () => {
  const empty = (count: number, of: string): string => `[${`${of},`.repeat(count - 1)}${of}]`
  const bodies: [string | Buffer, Record<string, string>][] = [
    [`{"resourceSpans":${empty(1_300_000, '{}')}}`, json],
    [
      `{"resourceSpans":[{"scopeSpans":[{"scope":{"name":"throughline.operations"},"spans":${empty(200_000, '{}')}}]}]}`,
      json,
    ],
    [`${'['.repeat(4_000_000)}`, json],
    [
      `{"resourceSpans":[{"resource":{"attributes":[{"key":"a","value":${'{"arrayValue":{"values":['.repeat(200_000)}`,
      json,
    ],
    // resource_spans, each empty: two bytes a message.
    [Buffer.alloc(16_000_000, Buffer.from([0x0a, 0x00])), protobuf],
  ]
  const before = process.memoryUsage().rss
  for (const [body, headers] of bodies)
    for (let n = 0; n < 3; n += 1) {
      const answer = await post(recorder.url, gzipSync(body, { level: 1 }), {
        ...headers,
        'content-encoding': 'gzip',
      })
      expect([400, 413]).toContain(answer.status)
    }
  expect(process.memoryUsage().rss - before).toBeLessThan(400 * 1024 * 1024)
  expect(await recorder.rows()).toEqual([])
  await good()
})

const raw = async (port: string): Promise<Socket> => {
  const socket = connect(Number(port), '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

test('senders that stop in mid-request, or never begin, keep nobody else waiting and are let go', async () => {
  const { url } = await recorder.another({ requestTimeoutMs: 500, maxConnections: 40 })
  const { port } = new URL(url)
  const idle = await Promise.all(
    Array.from({ length: 30 }, async (_, n) => {
      const socket = await raw(port)
      if (n % 3 === 0)
        socket.write(
          'POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 100\r\n\r\nab',
        )
      if (n % 3 === 1) socket.write('POST /v1/traces HTTP/1.1\r\nhost: x\r\nx-slow: ')
      return socket
    }),
  )
  expect((await post(url, requestOf([aSpan()]))).status).toBe(200)
  await Promise.all(idle.map((socket) => (socket.closed ? undefined : once(socket.resume(), 'close'))))
  expect((await post(url, requestOf([aSpan()]))).status).toBe(200)
})

test('more connections than there may be are closed, and those that are open go on', async () => {
  const { url } = await recorder.another({ maxConnections: 5 })
  const { port } = new URL(url)
  const sockets = await Promise.all(Array.from({ length: 12 }, () => raw(port)))
  const closed = (): number => sockets.filter((socket) => socket.destroyed || socket.readableEnded).length
  for (const socket of sockets) socket.resume()
  await expect.poll(closed, { timeout: 5_000 }).toBeGreaterThanOrEqual(7)
  const open = sockets.find((socket) => !socket.destroyed && !socket.readableEnded)!
  let answer = ''
  open.on('data', (chunk: Buffer) => {
    answer += chunk
  })
  open.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n')
  await expect.poll(() => answer, { timeout: 5_000 }).toMatch(/^HTTP\/1.1 200/)
  for (const socket of sockets) socket.destroy()
})
