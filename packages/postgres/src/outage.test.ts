import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { anOperationRow } from '../../../tests/support/operation-rows.js'
import { testServer } from '../../../tests/support/postgres.js'
import { createPool, createWriter, ensurePartitions, isRetryable, migrate } from './index.js'
import { copyOperations } from './sql/copy-operations.js'

const outcome = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

test('while Postgres is down, hanging or restarting every error is retryable; then the same pool works again', async () => {
  const server = await testServer()
  await migrate(server.url)
  const idleErrors: Error[] = []
  const pool = createPool(server.url, { onIdleError: (error) => idleErrors.push(error) })
  const writer = createWriter(pool)
  await ensurePartitions(pool)

  await server.stop()
  expect(idleErrors.length).toBeGreaterThan(0)
  expect(isRetryable(await outcome(writer.write([])))).toBe(true)
  expect(isRetryable(await outcome(migrate(server.url)))).toBe(true)

  await server.start()
  expect(await writer.write([])).toEqual({ inserted: 0, duplicates: 0, deadLettered: [] })
  await pool.end()

  // A server that takes the connection and never says a word.
  const sockets = new Set<Socket>()
  const silent = createServer((socket) => sockets.add(socket.on('error', () => {}))).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const hangingUrl = new URL(server.url)
  hangingUrl.port = String((silent.address() as AddressInfo).port)
  const hanging = createPool(hangingUrl.href, { connectTimeoutMs: 200 })
  expect(isRetryable(await outcome(createWriter(hanging).write([])))).toBe(true)
  expect(isRetryable(await outcome(migrate(hangingUrl.href, { connectTimeoutMs: 200 })))).toBe(true)
  await hanging.end()
  for (const socket of sockets) socket.destroy()
  silent.close()
})

test('a connection that goes silent in mid-write is given up, and the batch stored by the next one', async () => {
  const server = await testServer()
  await migrate(server.url)
  let silent = false
  const proxy = createServer((socket) => {
    const upstream = connect(server.port, '127.0.0.1')
    upstream.on('error', () => {}).on('data', (bytes) => silent || socket.write(bytes))
    socket.on('error', () => {}).on('data', (bytes) => silent || upstream.write(bytes))
    socket.on('close', () => upstream.destroy())
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const url = new URL(server.url)
  url.port = String((proxy.address() as AddressInfo).port)
  const pool = createPool(url.href, { statementTimeoutMs: 200, answerGraceMs: 100 })
  const writer = createWriter(pool)
  await writer.write([])
  silent = true
  expect(isRetryable(await outcome(writer.write([])))).toBe(true)
  silent = false
  expect(await outcome(writer.write([]))).toBeUndefined()
  await pool.end()
  proxy.close()
})

test('a transaction whose client was lost without a word gives its rows free, and whoever delivers them again stores them', async () => {
  const server = await testServer()
  await migrate(server.url)
  const lost = createPool(server.url, { idleInTransactionTimeoutMs: 500 })
  await ensurePartitions(lost)
  const row = anOperationRow()
  const client = await lost.connect()
  client.on('error', () => {})
  await client.query('BEGIN')
  await copyOperations(client, [row])
  // Nothing more is heard of it: its host is gone, and Postgres does not know. Its row holds up the same one.
  const pool = createPool(server.url, { statementTimeoutMs: 10_000 })
  expect(await createWriter(pool).write([row])).toMatchObject({ inserted: 1, duplicates: 0 })
  // Its host was only slow: what it hears is no reason to give up the batch.
  expect(isRetryable(await outcome(client.query('COMMIT')))).toBe(true)
  client.release(true)
  await lost.end()
  await pool.end()
})

test('a wrong password and a missing table are not called retryable', async () => {
  const server = await testServer()
  const stranger = new URL(server.url)
  stranger.password = 'wrong'
  expect(isRetryable(await outcome(migrate(stranger.href)))).toBe(false)
  const pool = createPool(server.url)
  expect(isRetryable(await outcome(ensurePartitions(pool)))).toBe(false)
  await pool.end()
})
