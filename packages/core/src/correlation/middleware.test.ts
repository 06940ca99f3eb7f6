import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { correlation } from '@throughline/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  enableContexts,
  installRecordingRuntime,
  type RecordingRuntime,
} from '../../testing/recording-runtime.js'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

let runtime: RecordingRuntime
let disable: () => void
let server: Server
beforeEach(async () => {
  disable = enableContexts()
  runtime = installRecordingRuntime()
  const handle = correlation.middleware()
  server = createServer((request, response) => {
    handle(request, response, () => response.end(`seen=${correlation.id()}`))
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
