import { createToken, revokeToken, type TokenRole } from '@throughline/postgres/tokens'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { aSpan, post, protobuf, requestOf } from '../test/requests.js'
import { useRecorder } from '../test/running-recorder.js'
import { createRecorder, type RecorderOptions } from './index.js'

const recorder = useRecorder()
let pool: pg.Pool
let url: string

beforeAll(async () => {
  pool = new pg.Pool({ connectionString: recorder.databaseUrl })
  url = (await recorder.another({ auth: 'required', tokenRefreshMs: 100 })).url
})
afterAll(() => pool.end())

const bearer = (secret: string): Record<string, string> => ({
  ...protobuf,
  authorization: `Bearer ${secret}`,
})
const made = (role: TokenRole, name = 'test', expiresAt: Date | null = null) =>
  createToken(pool, { name, role, expiresAt })
const status = async (secret: string): Promise<number> =>
  (await post(url, requestOf([aSpan()]), bearer(secret))).status
const counted = async (secret: string): Promise<number> => {
  const answer = await fetch(`${url}/v1/status`, { headers: { authorization: `Bearer ${secret}` } })
  if (answer.status !== 200) return -1
  const { counters } = (await answer.json()) as { counters: Record<string, number> }
  return counters['throughline.recorder.unknown_bearers']!
}

test('a token that was just made works, without a restart', async () => {
  const { secret } = await made('ingest')
  expect(secret).toMatch(/^tl_ingest_[A-Za-z0-9_-]{43}$/)
  await expect.poll(() => status(secret), { timeout: 5_000 }).toBe(200)
  const { rows } = await pool.query('SELECT row_to_json(t)::text AS text FROM throughline.tokens t')
  expect(rows[0].text).not.toContain(secret.slice(-43))
})

test('a token is known to the very next request, however lately others were looked for', async () => {
  for (let n = 0; n < 3; n += 1) {
    const { secret } = await made('read')
    const answer = await fetch(`${url}/v1/status`, { headers: { authorization: `Bearer ${secret}` } })
    expect(answer.status).toBe(200)
  }
})

test('without a token nothing is taken or told, but for the health check', async () => {
  const answer = await post(url, requestOf([aSpan()]))
  expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
  expect((await fetch(`${url}/v1/confirm?instance=x`)).status).toBe(401)
  expect((await fetch(`${url}/v1/status`)).status).toBe(401)
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  expect(await recorder.rows()).toEqual([])
})

test('records with a token that is not valid are answered 503, unread and counted, so that a Collector keeps them', async () => {
  const { secret } = await made('ingest')
  const read = await made('read')
  const old = await made('ingest', 'old', new Date(Date.now() - 1_000))
  await expect.poll(() => status(secret), { timeout: 5_000 }).toBe(200)
  const admin = await made('admin')
  await expect.poll(() => counted(admin.secret), { timeout: 5_000 }).toBeGreaterThan(-1)
  const before = await counted(admin.secret)
  const changed = `${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`
  for (const wrong of [changed, read.secret, old.secret, '', 'tl_ingest_x', 'x'.repeat(5_000)]) {
    // A body that would be answered 400 if anybody looked at it.
    const answer = await post(url, 'no protobuf', bearer(wrong))
    expect([answer.status, answer.headers.get('retry-after')], wrong).toEqual([503, '1'])
  }
  expect((await counted(admin.secret)) - before).toBe(6)
  expect(await recorder.rows()).toHaveLength(1)
})

test('a question with a wrong token is answered 401, with one of another role 403', async () => {
  const ingest = await made('ingest')
  const read = await made('read')
  const admin = await made('admin')
  const ask = async (path: string, secret: string): Promise<number> =>
    (await fetch(`${url}${path}`, { headers: bearer(secret) })).status
  await expect.poll(() => ask('/v1/status', read.secret), { timeout: 5_000 }).toBe(200)
  expect(await ask('/v1/status', ingest.secret)).toBe(403)
  expect(await ask('/v1/status', 'tl_read_wrong')).toBe(401)
  expect(await ask('/v1/confirm?instance=00000000-0000-4000-8000-000000000000', ingest.secret)).toBe(200)
  for (const path of ['/v1/status', '/v1/confirm?instance=00000000-0000-4000-8000-000000000000'])
    expect(await ask(path, admin.secret)).toBe(200)
  expect(await status(admin.secret)).toBe(200)
})

test('a token is changed under load without the loss of a record', async () => {
  const first = await made('ingest', 'first')
  await expect.poll(() => status(first.secret), { timeout: 5_000 }).toBe(200)
  await recorder.client.query('TRUNCATE throughline.operations')
  let current = first.secret
  let sending = true
  let sent = 0
  let refused = 0
  const sender = async (): Promise<void> => {
    while (sending) {
      const body = requestOf([aSpan()])
      for (let answer = 0; answer !== 200; ) {
        answer = (await post(url, body, bearer(current))).status
        expect([200, 503]).toContain(answer)
        if (answer === 503) refused += 1
      }
      sent += 1
    }
  }
  const senders = [sender(), sender(), sender()]
  await expect.poll(() => sent, { timeout: 10_000 }).toBeGreaterThan(20)
  // In the wrong order: the old one goes before the senders have the new one.
  await revokeToken(pool, first.id)
  await expect.poll(() => refused, { timeout: 10_000 }).toBeGreaterThan(20)
  current = (await made('ingest', 'second')).secret
  const at = sent
  await expect.poll(() => sent, { timeout: 10_000 }).toBeGreaterThan(at + 20)
  sending = false
  await Promise.all(senders)
  expect(await recorder.rows()).toHaveLength(sent)
})

test('a token that expires is refused from then on', async () => {
  const { secret } = await made('ingest', 'short', new Date(Date.now() + 2_000))
  await expect.poll(() => status(secret), { timeout: 1_500 }).toBe(200)
  await expect.poll(() => status(secret), { timeout: 5_000 }).toBe(503)
})

test('when a token was last used is kept to the minute', async () => {
  const { recorder: own, url: address } = await recorder.another({ auth: 'required' })
  const { secret, id } = await made('ingest')
  const taken = async (): Promise<number> =>
    (await post(address, requestOf([aSpan()]), bearer(secret))).status
  await expect.poll(taken, { timeout: 5_000 }).toBe(200)
  await own.close()
  const { rows } = await pool.query('SELECT last_used_at FROM throughline.tokens WHERE id = $1', [id])
  expect(rows[0].last_used_at).toBeInstanceOf(Date)
})

test('no secret appears in the log', async () => {
  const { secret } = await made('ingest')
  const wrong = `tl_ingest_${'w'.repeat(43)}`
  await post(url, 'no protobuf', bearer(secret))
  await post(url, requestOf([aSpan()]), bearer(wrong))
  const lines = JSON.stringify(recorder.lines)
  expect(lines).toContain('TL_TOKEN_UNKNOWN')
  expect(lines).not.toContain(secret)
  expect(lines).not.toContain(wrong)
})

test('without tokens it listens on a loopback address only', () => {
  const of = (options: Partial<RecorderOptions>) => () =>
    createRecorder({ databaseUrl: recorder.databaseUrl, port: 0, ...options })
  for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.test', '127.example.test'])
    expect(of({ auth: 'off', host }), host).toThrow(/loopback address only/)
  expect(of({ auth: 'none' as 'off' })).toThrow(/auth is neither/)
})
