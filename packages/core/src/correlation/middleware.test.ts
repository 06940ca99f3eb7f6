import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import { context, trace } from '@opentelemetry/api'
import { correlation, track } from '@throughline/core'
import type { Trust } from '@throughline/core/runtime'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  enableContexts,
  installRecordingRuntime,
  type RecordingRuntime,
} from '../../testing/recording-runtime.js'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

let runtime: RecordingRuntime
let disable: () => void
let server: Server
let policy: ReturnType<typeof correlation.middleware>
let body: (request: IncomingMessage, response: ServerResponse) => void
beforeEach(async () => {
  disable = enableContexts()
  runtime = installRecordingRuntime()
  policy = correlation.middleware()
  body = (_, response) => response.end(`seen=${correlation.id()}`)
  server = createServer((request, response) => {
    policy(request, response, () => body(request, response))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  runtime.uninstall()
  disable()
})

/** Bytes as they are, by a raw socket: an HTTP client would refuse to send most of these. */
async function ask(
  headers: string,
): Promise<{ status: number; answered: string[]; seen: string | undefined }> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.write(Buffer.from(`GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${headers}\r\n`, 'latin1'))
  const raw = await text(socket)
  return {
    status: Number(raw.split(' ')[1]),
    answered: [...raw.matchAll(/^x-correlation-id: (.*?)\r$/gim)].map((match) => match[1] ?? ''),
    seen: /seen=(\S+)/.exec(raw)?.[1],
  }
}

test('a valid ID is seen inside and echoed', async () => {
  expect(await ask('X-Correlation-ID: order-4711\r\n')).toEqual({
    status: 200,
    answered: ['order-4711'],
    seen: 'order-4711',
  })
})

test('a request without an ID gets a new one, and its answer carries it', async () => {
  const { answered, seen } = await ask('')
  expect(answered).toEqual([seen])
  expect(seen).toMatch(UUID)
  expect(runtime.notices).toEqual([])
})

test.each([
  ['9 kB', `x-correlation-id: ${'a'.repeat(9_216)}\r\n`],
  ['two headers', 'x-correlation-id: a\r\nx-correlation-id: b\r\n'],
  ['the same header twice', 'x-correlation-id: a\r\nX-Correlation-Id: a\r\n'],
  ['an empty value', 'x-correlation-id:\r\n'],
  ['bytes beyond ASCII', 'x-correlation-id: \u00fc\u00ff\r\n'],
  ['a tab', 'x-correlation-id: a\tb\r\n'],
  ['a script', 'x-correlation-id: <script>\r\n'],
])('%s: the answer carries a fresh UUID and nothing of what came', async (_, headers) => {
  const { status, answered, seen } = await ask(headers)
  expect(status).toBe(200)
  expect(answered).toHaveLength(1)
  expect(answered[0]).toMatch(UUID)
  expect(seen).toBe(answered[0])
  expect(runtime.count('correlation_id_replaced')).toBe(1)
})

test.each([
  ['a NUL', 'x-correlation-id: a\u0000b\r\n'],
  ['an escape', 'x-correlation-id: a\u001b[31m\r\n'],
  ['a bare carriage return', 'x-correlation-id: a\rset-cookie: x\r\n'],
])('%s never reaches an answer header', async (_, headers) => {
  const { status, answered } = await ask(headers)
  if (status === 200) expect(answered[0]).toMatch(UUID)
  else expect(answered).toEqual([])
})

test('an ID that is in the context already is kept, whatever the header says', () => {
  const set: [string, string][] = []
  const response = { headersSent: false, setHeader: (name: string, value: string) => set.push([name, value]) }
  correlation.run('known', () =>
    correlation.middleware()({ headers: { 'x-correlation-id': 'other' } }, response, () =>
      expect(correlation.id()).toBe('known'),
    ),
  )
  expect(set).toEqual([['x-correlation-id', 'known']])
})

test('an answer that is under way already is left alone', () => {
  let next = 0
  const response = {
    headersSent: true,
    setHeader: () => {
      throw new Error('headers are sent')
    },
  }
  correlation.middleware()({ headers: {} }, response, () => {
    next += 1
  })
  expect(next).toBe(1)
})

/** What a peer at this address is answered with, when it sends the ID `theirs`. */
function answeredTo(remoteAddress: string | undefined, trust?: Trust): string {
  const answers: string[] = []
  const request = { headers: { 'x-correlation-id': 'theirs' }, socket: { remoteAddress } }
  const response = { headersSent: false, setHeader: (_: string, value: string) => answers.push(value) }
  correlation.middleware(trust === undefined ? {} : { trust })(request, response, () => {})
  return answers[0] === 'theirs' ? 'theirs' : 'fresh'
}

test.each<[Trust | undefined, string | undefined, string]>([
  [undefined, '127.0.0.1', 'theirs'],
  [undefined, '::1', 'theirs'],
  [undefined, '::ffff:10.1.2.3', 'theirs'],
  [undefined, '172.31.255.255', 'theirs'],
  [undefined, '172.32.0.0', 'fresh'],
  [undefined, '192.168.0.1', 'theirs'],
  [undefined, 'fe80::1%eth0', 'theirs'],
  [undefined, 'fd00::1', 'theirs'],
  [undefined, '203.0.113.7', 'fresh'],
  [undefined, '::ffff:203.0.113.7', 'fresh'],
  [undefined, '2001:db8::1', 'fresh'],
  [undefined, undefined, 'fresh'],
  [true, '203.0.113.7', 'theirs'],
  [true, undefined, 'theirs'],
  [false, '127.0.0.1', 'fresh'],
  ['loopback', '127.8.9.1', 'theirs'],
  ['loopback', '10.0.0.1', 'fresh'],
  ['private', '10.0.0.1', 'theirs'],
  [['203.0.113.0/24', '2001:db8::/32'], '203.0.113.7', 'theirs'],
  [['203.0.113.0/24', '2001:db8::/32'], '2001:db8:1::1', 'theirs'],
  [['203.0.113.0/24'], '203.0.114.0', 'fresh'],
  [['203.0.113.0/24'], '127.0.0.1', 'fresh'],
  [['loopback', '203.0.113.7'], '127.0.0.1', 'theirs'],
  [['loopback', '203.0.113.7'], '203.0.113.7', 'theirs'],
  [[], '127.0.0.1', 'fresh'],
  [(request) => request.socket?.remoteAddress === '8.8.8.8', '8.8.8.8', 'theirs'],
  [
    () => {
      throw new Error('no')
    },
    '127.0.0.1',
    'fresh',
  ],
])('with trust %o the ID of a peer at %s is %s', (trust, address, expected) => {
  expect(answeredTo(address, trust)).toBe(expected)
  expect(runtime.count('correlation_id_untrusted')).toBe(expected === 'fresh' ? 1 : 0)
})

test.each<[string, Trust]>([
  ['a word', 'everybody' as 'private'],
  ['a range without bits', ['10.0.0.0/']],
  ['a range of too many bits', ['10.0.0.0/33']],
  ['a host name', ['gateway.internal']],
  ['nothing', null as never],
])('%s is no policy, and is refused at construction', (_, trust) => {
  expect(() => correlation.middleware({ trust })).toThrow(TypeError)
})

test('an untrusted peer is told a new ID and nothing of its own, over a real socket', async () => {
  policy = correlation.middleware({ trust: (request) => request.headers['x-gateway'] === 'ours' })
  expect(await ask('x-correlation-id: order-1\r\nx-gateway: ours\r\n')).toMatchObject({ seen: 'order-1' })
  const { answered, seen } = await ask('x-correlation-id: order-1\r\n')
  expect(seen).toMatch(UUID)
  expect(answered).toEqual([seen])
})

test('a stricter middleware replaces an ID that an instrumentation took over before it, on the server span too', () => {
  const span = attributesSpan()
  const request = { headers: { 'x-correlation-id': 'theirs' }, socket: { remoteAddress: '10.0.0.1' } }
  const response = { headersSent: false, setHeader() {} }
  correlation.run('theirs', () =>
    context.with(trace.setSpan(context.active(), span.span), () =>
      correlation.middleware({ trust: 'loopback' })(request, response, () => {
        expect(correlation.id()).toMatch(UUID)
        expect(span.attributes['correlation.id']).toBe(correlation.id())
      }),
    ),
  )
})

test('the user that the middleware finds is on the server span, and on every record and span below', async () => {
  const span = attributesSpan()
  const work = track('A.b', async () => turn())
  let done: Promise<unknown> | undefined
  const response = { headersSent: false, setHeader() {} }
  const handle = correlation.middleware({
    user: (request: { headers: Record<string, string> }) => request.headers['x-user'],
  })
  correlation.run('order-1', () =>
    context.with(trace.setSpan(context.active(), span.span), () =>
      handle({ headers: { 'x-user': 'ada' } }, response, () => {
        done = work()
      }),
    ),
  )
  await done
  expect(runtime.last()).toMatchObject({ correlationId: 'order-1', userId: 'ada' })
  expect(span.attributes).toMatchObject({ 'user.id': 'ada', 'correlation.id': 'order-1' })
})

test('a look-up of the user that throws costs the user, not the request', () => {
  let next = 0
  const user = () => {
    throw new Error('no session')
  }
  correlation.middleware({ user })({ headers: {} }, { headersSent: false, setHeader() {} }, () => {
    next += 1
  })
  expect(next).toBe(1)
  expect(runtime.count('extraction_failed')).toBe(1)
})

test('listeners of the request that are added inside run under its ID', async () => {
  policy = correlation.middleware()
  body = (request, response) => {
    request.on('end', () => response.end(`seen=${correlation.id()}`)).resume()
  }
  expect((await ask('x-correlation-id: order-1\r\n')).seen).toBe('order-1')
})

function attributesSpan() {
  const attributes: Record<string, unknown> = {}
  const span = trace.wrapSpanContext({ traceId: '1'.repeat(32), spanId: '1'.repeat(16), traceFlags: 1 })
  span.isRecording = () => true
  span.setAttribute = (key, value) => {
    attributes[key] = value
    return span
  }
  return { span, attributes }
}
