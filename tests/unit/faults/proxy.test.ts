import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { until } from '@throughline/cli'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Hop, openProxy } from '../../faults/proxy.js'

let server: Server
let hop: Hop
const clients: Socket[] = []

beforeEach(async () => {
  // Says back what it hears.
  server = createServer((socket) => {
    socket.on('error', () => {})
    socket.pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  hop = await openProxy((server.address() as AddressInfo).port)
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  await hop.close()
  server.close()
})

function open(): { socket: Socket; heard: () => string; ended: () => boolean } {
  const socket = connect(hop.port, '127.0.0.1')
  clients.push(socket)
  let heard = ''
  let ended = false
  socket.setEncoding('utf8').on('data', (text: string) => {
    heard += text
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    ended = true
  })
  return { socket, heard: () => heard, ended: () => ended }
}

const hears = (client: ReturnType<typeof open>, text: string) =>
  until(() => client.heard() === text, { what: `'${text}'`, deadlineMs: 5_000, everyMs: 5 })

async function greeted(): Promise<ReturnType<typeof open>> {
  const client = open()
  client.socket.write('hello')
  await hears(client, 'hello')
  return client
}

test('bytes pass both ways while all is well', async () => {
  const client = await greeted()
  expect(hop.connections).toBe(1)
  client.socket.end()
  await until(() => hop.connections === 0, { what: 'the connection gone', deadlineMs: 5_000 })
})

test('a cut ends the connections there are and those that come', async () => {
  const before = await greeted()
  hop.set({ kind: 'cut' })
  const after = open()
  await until(() => before.ended() && after.ended(), { what: 'both ended', deadlineMs: 5_000 })
  hop.heal()
  await greeted()
})

test.each([['up'], ['down']] as const)(
  'what hangs on its way %s comes, all of it, when it is over',
  async (way) => {
    const client = await greeted()
    hop.set({ kind: 'hang', ways: [way] })
    client.socket.write(' and more')
    const passed = await openDirect()
    expect(passed).toBe('direct')
    expect(client.heard()).toBe('hello')
    hop.heal()
    await hears(client, 'hello and more')
  },
)

/** A turn on another connection, so that what could pass has passed. */
async function openDirect(): Promise<string> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  clients.push(socket)
  socket.write('direct')
  return String((await once(socket, 'data'))[0])
}

test('a half-open connection stays dead, a later one works', async () => {
  const before = await greeted()
  hop.set({ kind: 'half-open' })
  before.socket.write(' lost')
  hop.heal()
  await greeted()
  before.socket.write(' too')
  await openDirect()
  expect([before.heard(), before.ended()]).toEqual(['hello', false])
})

test('a trickle lets a byte through, and the rest when it is over', async () => {
  const client = await greeted()
  hop.set({ kind: 'trickle', ways: ['up'] })
  client.socket.write('abc')
  await hears(client, 'helloa')
  hop.heal()
  await hears(client, 'helloabc')
})

test('nobody behind it: connections are refused', async () => {
  hop.targets = []
  const client = open()
  await until(client.ended, { what: 'the connection ended', deadlineMs: 5_000 })
})

test('a tap sees what passes and may keep it', async () => {
  const client = await greeted()
  const seen: string[] = []
  hop.tap = (way, piece) => {
    seen.push(`${way} ${piece}`)
    return way === 'up' && piece.includes('secret') ? 'drop' : 'pass'
  }
  client.socket.write('secret')
  await until(() => seen.length === 1, { what: 'the tap', deadlineMs: 5_000 })
  client.socket.write('!')
  await hears(client, 'hello!')
  expect(seen).toEqual(['up secret', 'up !', 'down !'])
})
