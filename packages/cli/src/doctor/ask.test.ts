import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { ask, jsonOf, otherwise } from './ask.js'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

const serve = (listener: RequestListener): Promise<string> =>
  new Promise((resolve) => {
    const server = createServer(listener).listen(0, '127.0.0.1', () => {
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    })
    servers.push(server)
  })

test('nobody there is said in words, not thrown', async () => {
  const url = await serve(() => {})
  servers.pop()!.close()
  expect(await ask(url, { timeoutMs: 2_000 })).toMatchObject({
    silence: 'nothing listens there (ECONNREFUSED)',
  })
  expect(await ask('nonsense', { timeoutMs: 2_000 })).toMatchObject({ silence: 'it is no URL' })
})

test('one that takes the connection and is silent, or never ends its answer, is left at the deadline', async () => {
  const silent = await serve(() => {})
  expect(await ask(silent, { timeoutMs: 50 })).toMatchObject({ silence: 'no answer within 0.1 s' })
  const endless = await serve((_request, response) => void response.write('…'))
  expect(await ask(endless, { timeoutMs: 50 })).toMatchObject({ silence: 'no answer within 0.1 s' })
})

test('a password in the URL goes as a header, and no token follows to another place', async () => {
  const url = await serve((request, response) => {
    response.writeHead(302, { location: 'http://127.0.0.1:1/', 'x-seen': '' })
    response.end(request.headers.authorization)
  })
  const answer = await ask(url.replace('//', '//me:s%20cret@'), { timeoutMs: 2_000 })
  expect(answer).toMatchObject({
    status: 302,
    text: `Basic ${Buffer.from('me:s cret').toString('base64')}`,
  })
})

test('what is no JSON object is none, and what came instead is told', async () => {
  const url = await serve((_request, response) => {
    response.writeHead(404, { 'content-type': 'text/html; charset=utf-8' })
    response.end('<h1>no</h1>')
  })
  const answer = await ask(url, { timeoutMs: 2_000 })
  expect(jsonOf(answer)).toBeUndefined()
  expect(otherwise(answer)).toBe('it answers 404 text/html')
})
