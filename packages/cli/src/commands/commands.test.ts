import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createWriter, ensurePartitions, migrate } from '@throughline/postgres'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '../../../../tests/support/postgres.js'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))
const sources = new URL('../../../recorder/test/sources.mjs', import.meta.url).href

let url: string
let pool: pg.Pool
let drop: () => Promise<void>

beforeAll(async () => {
  const database = await testDatabase()
  url = database.url
  drop = database.drop
  pool = new pg.Pool({ connectionString: url })
})
afterAll(async () => {
  await pool.end()
  await drop()
})

async function throughline(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, ['--import', sources, main, ...args], {
    env: { PATH: process.env.PATH, THROUGHLINE_DATABASE_URL: url },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk
  })
  const [code] = (await once(child, 'close')) as [number]
  return { code, out, err }
}

test('without the schema a command says how to make it', async () => {
  const { code, err } = await throughline('token', 'list')
  expect(code).toBe(1)
  expect(err).toContain('throughline migrate')
})

test('a token is made with its secret shown once, listed without it, and revoked', async () => {
  await migrate(url)
  const made = await throughline(
    'token',
    'create',
    '--role',
    'ingest',
    '--name',
    'collector',
    '--expires',
    '90d',
  )
  expect(made.code).toBe(0)
  expect(made.out).toMatch(/^tl_ingest_[A-Za-z0-9_-]{43}\n$/)
  expect(made.err).toMatch(/Token collector, role ingest, ID [0-9a-f-]{36}, valid until \d{4}-/)
  const secret = made.out.trim()

  const other = await throughline('token', 'create', '--role', 'read', '--name', 'grafana', '--json')
  expect(JSON.parse(other.out)).toMatchObject({
    name: 'grafana',
    role: 'read',
    expiresAt: null,
    secret: expect.stringMatching(/^tl_read_/),
  })

  const list = await throughline('token', 'list')
  expect(list.out).toMatch(/ingest +valid .* collector\n/)
  expect(list.out).not.toContain(secret)
  expect((await throughline('token', 'list', '--json')).out).not.toContain(secret)

  expect((await throughline('token', 'revoke', 'collector')).code).toBe(0)
  const states = JSON.parse((await throughline('token', 'list', '--json')).out) as { state: string }[]
  expect(states.map(({ state }) => state)).toEqual(['revoked', 'valid'])
  expect((await throughline('token', 'revoke', 'collector')).code).toBe(1)
})

test('two valid tokens of one name are told apart by their ID', async () => {
  const ids: string[] = []
  for (let n = 0; n < 2; n += 1) {
    const made = await throughline('token', 'create', '--role', 'ingest', '--name', 'twice', '--json')
    ids.push((JSON.parse(made.out) as { id: string }).id)
  }
  const refused = await throughline('token', 'revoke', 'twice')
  expect(refused.code).toBe(1)
  for (const id of ids) expect(refused.err).toContain(id)
  expect((await throughline('token', 'revoke', ids[0]!)).out).toContain('Revoked: twice')
})

test.each([
  [['token', 'create', '--name', 'x'], '--role is missing'],
  [['token', 'create', '--role', 'root', '--name', 'x'], '--role is root'],
  [['token', 'create', '--role', 'read'], '--name is missing'],
  [['token', 'create', '--role', 'read', '--name', 'x', '--expires', 'soon'], '--expires is soon'],
  [['token', 'create', '--role', 'read', '--name', 'x', '--expires', '2020-01-01'], 'a date to come'],
  [['token'], 'create, list or revoke is needed'],
  [['token', 'list', 'all'], 'one word too many'],
  [['dead-letters', 'show'], 'is needed'],
  [['dead-letters', 'show', 'zz'], 'is no ID'],
  [['dead-letters', 'show', 'abcdef12'], 'There is no dead letter'],
  [['dead-letters', 'retry'], 'is needed'],
  [['dead-letters', 'list', '--limit', '0'], '--limit is 0'],
  [['nothing'], 'There is no command nothing'],
])('%j is refused with what is wrong', async (args, message) => {
  const { code, err } = await throughline(...args)
  expect(code).toBe(1)
  expect(err).toContain(message)
})

test('a dead letter is listed, shown whole, and retried', async () => {
  await ensurePartitions(pool)
  const started = BigInt(Date.now() - 20 * 86_400_000) * 1_000n
  await createWriter(pool, { retentionDays: 10 }).write([
    {
      startedAtUs: started,
      traceId: 'ab'.repeat(16),
      spanId: 'cd'.repeat(8),
      parentSpanId: null,
      correlationId: 'order-4711\u001b[31m',
      service: 'billing',
      serviceVersion: null,
      operationService: 'Billing',
      operation: 'charge',
      userId: null,
      durationUs: 250_000n,
      success: true,
      errorType: null,
      errorMessage: null,
      errorStack: null,
      metadata: null,
      business: null,
      instance: null,
      seq: null,
    },
  ])
  const listed = JSON.parse((await throughline('dead-letters', 'list', '--json')).out)
  expect(listed).toMatchObject({
    total: 1,
    letters: [{ reason: expect.stringContaining('retention of 10') }],
  })
  const { id } = listed.letters[0] as { id: string }
  expect((await throughline('dead-letters', 'list')).out).toContain(id.slice(0, 12))

  const shown = await throughline('dead-letters', 'show', id.slice(0, 8))
  expect(shown.out).toContain(`"startedAtUs":"${started}"`)
  expect(shown.out).not.toContain('\u001b[31m')

  const kept = await throughline('dead-letters', 'retry', id, '--retention-days', '10')
  expect([kept.code, kept.out]).toEqual([1, expect.stringContaining('0 stored, 0 known before, 1 kept')])
  const stored = await throughline('dead-letters', 'retry', '--all', '--json')
  expect([stored.code, JSON.parse(stored.out)]).toEqual([0, { stored: 1, known: 0, kept: [] }])
  expect((await throughline('dead-letters', 'list')).out).toBe('There are none.\n')
})
