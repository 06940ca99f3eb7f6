import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterEach, expect, test } from 'vitest'
import { testServer } from '../../../tests/support/postgres.js'
import { aSpan, post, protobuf, requestOf } from '../test/requests.js'

const main = fileURLToPath(new URL('main.ts', import.meta.url))
const sources = new URL('../test/sources.mjs', import.meta.url).href

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

const startProcess = (env: Record<string, string>): ChildProcess => {
  const child = spawn(process.execPath, ['--import', sources, main], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  return child
}

const listening = async (child: ChildProcess): Promise<string> => {
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string]
  const { event, url, pid } = JSON.parse(line)
  expect([event, pid]).toEqual(['listening', child.pid])
  return url
}

const ended = async (child: ChildProcess): Promise<[number | null, string]> => {
  let text = ''
  child.stderr!.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return [code, text]
}

test('the process starts without Postgres, answers 503 while it is away, and stores each record once when it is back', async () => {
  const server = await testServer()
  await server.stop()
  const child = startProcess({
    THROUGHLINE_DATABASE_URL: server.url,
    THROUGHLINE_RECORDER_PORT: '0',
    THROUGHLINE_RECORDER_AUTH: 'off',
  })
  const url = await listening(child)
  const health = async (): Promise<number> => (await fetch(`${url}/healthz`)).status
  const bodies = Array.from({ length: 5 }, () => requestOf([aSpan()]))
  const refused = async (): Promise<void> => {
    for (const body of bodies) {
      const answer = await post(url, body)
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    }
    const answer = await fetch(`${url}/healthz`)
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({
      status: 'unavailable',
      reason: expect.stringMatching(/^database: \w+$/),
    })
    // A body that will never be valid is said to be so at any time.
    expect((await post(url, 'hello', protobuf)).status).toBe(400)
  }
  const accepted = async (): Promise<void> => {
    await expect.poll(health, { timeout: 15_000 }).toBe(200)
    for (const body of bodies) expect((await post(url, body)).status).toBe(200)
    const client = new pg.Client({ connectionString: server.url })
    await client.connect()
    const { rows } = await client.query('SELECT count(*)::int AS n FROM throughline.operations')
    await client.end()
    expect(rows[0].n).toBe(5)
  }

  await refused()
  await server.start()
  await accepted()
  await server.stop()
  await refused()
  await server.start()
  await accepted()

  const end = ended(child)
  child.kill('SIGTERM')
  expect((await end)[0]).toBe(0)
})

test('SIGINT ends the process with 0 while Postgres was never there', async () => {
  const child = startProcess({
    THROUGHLINE_DATABASE_URL: 'postgres://nobody:secret-word@127.0.0.1:1/none',
    THROUGHLINE_RECORDER_PORT: '0',
  })
  await listening(child)
  const end = ended(child)
  child.kill('SIGINT')
  const [code, text] = await end
  expect(code).toBe(0)
  expect(text).not.toContain('secret-word')
})

test('without a database URL, with a port that is none, or open to a network without tokens, the process says what is missing and ends with 1', async () => {
  const [code, text] = await ended(startProcess({}))
  expect(code).toBe(1)
  expect(JSON.parse(text)).toMatchObject({
    kind: 'TL_RECORDER_OPTION',
    message: expect.stringMatching(/^THROUGHLINE_DATABASE_URL is not set/),
  })
  const [second, line] = await ended(
    startProcess({ THROUGHLINE_DATABASE_URL: 'postgres://x/y', THROUGHLINE_RECORDER_PORT: 'http' }),
  )
  expect(second).toBe(1)
  expect(JSON.parse(line).message).toMatch(/port is NaN/)
  const [third, open] = await ended(
    startProcess({
      THROUGHLINE_DATABASE_URL: 'postgres://x/y',
      THROUGHLINE_RECORDER_HOST: '0.0.0.0',
      THROUGHLINE_RECORDER_AUTH: 'off',
    }),
  )
  expect(third).toBe(1)
  expect(JSON.parse(open).message).toMatch(/loopback address only/)
})
