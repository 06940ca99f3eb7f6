import { once } from 'node:events'
import { connect } from 'node:net'
import { createGzip, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { aSpan, json, jsonOf, post, protobuf, requestOf } from '../test/requests.js'
import { useRecorder } from '../test/running-recorder.js'

const recorder = useRecorder()

test.each<[string, () => string | Buffer, Record<string, string>, number, RegExp]>([
  ['protobuf that is none', () => Buffer.from('hello'), protobuf, 400, /byte/],
  ['protobuf that is cut', () => requestOf([aSpan()]).subarray(0, -3), protobuf, 400, /./],
  ['JSON that is cut', () => jsonOf({}).slice(0, -5), json, 400, /JSON/],
  ['JSON of another shape', () => '{"resourceSpans": 7}', json, 400, /resourceSpans/],
  ['an ID that is no ID', () => jsonOf({ traceId: 'xyz' }), json, 400, /traceId/],
  ['an empty JSON body', () => '', json, 400, /./],
  ['gzip that is none', () => 'hello', { ...json, 'content-encoding': 'gzip' }, 400, /gzip/],
  [
    'gzip that is cut',
    () => gzipSync(jsonOf({})).subarray(0, -9),
    { ...json, 'content-encoding': 'gzip' },
    400,
    /gzip/,
  ],
  ['another content type', () => 'hello', { 'content-type': 'text/plain' }, 415, /content type/],
  ['another encoding', () => 'hello', { ...json, 'content-encoding': 'br' }, 415, /encoding/],
  ['a body that is too large', () => Buffer.alloc(17 * 1024 * 1024), protobuf, 413, /larger than 16777216/],
  ['JSON that is too large', () => `"${'x'.repeat(5 * 1024 * 1024)}"`, json, 413, /larger than 4194304/],
  [
    'a body that inflates too far',
    () => gzipSync(Buffer.alloc(17 * 1024 * 1024)),
    { ...protobuf, 'content-encoding': 'gzip' },
    413,
    /larger than 16777216/,
  ],
])('%s is refused with a clear answer, and nothing is stored', async (_, body, headers, status, message) => {
  const answer = await post(recorder.url, body(), headers)
  expect(answer.status).toBe(status)
  expect(await answer.text()).toMatch(message)
  expect(await recorder.rows()).toEqual([])
  expect((await post(recorder.url, requestOf([aSpan()]))).status).toBe(200)
})

test('a body without a content type is refused', async () => {
  const socket = connect(Number(new URL(recorder.url).port), '127.0.0.1')
  socket.end('POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}')
  let answer = ''
  for await (const chunk of socket) answer += chunk
  expect(answer).toMatch(/^HTTP\/1.1 415/)
})

test('a gzip bomb is refused while it inflates: memory stays flat', async () => {
  const zip = createGzip({ level: 9 })
  const chunks: Buffer[] = []
  zip.on('data', (chunk: Buffer) => chunks.push(chunk))
  const block = Buffer.alloc(1024 * 1024)
  for (let n = 0; n < 512; n += 1) if (!zip.write(block)) await once(zip, 'drain')
  zip.end()
  await once(zip, 'end')
  const bomb = Buffer.concat(chunks)

  const before = process.memoryUsage().rss
  for (let n = 0; n < 10; n += 1) {
    const answer = await post(recorder.url, bomb, { ...protobuf, 'content-encoding': 'gzip' })
    expect(answer.status).toBe(413)
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(128 * 1024 * 1024)
})

test('a sender that goes away in mid-body stores nothing, and the memory it held is given back', async () => {
  const { url } = await recorder.another({ maxPendingBytes: 100_000, maxInflatedBytes: 100_000 })
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write(
    'POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 99900\r\n\r\n',
  )
  socket.write(Buffer.alloc(99_890))
  const status = async (): Promise<number> => (await post(url, requestOf([aSpan()]))).status
  await expect.poll(status, { timeout: 5_000 }).toBe(503)
  socket.destroy()
  await expect.poll(status, { timeout: 5_000 }).toBe(200)
})
