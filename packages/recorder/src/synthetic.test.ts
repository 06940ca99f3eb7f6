import { randomUUID } from 'node:crypto'
import { createToken, type TokenRole } from '@throughline/postgres/tokens'
import pg from 'pg'
import { beforeEach, expect, test } from 'vitest'
import { testDatabase } from '../../../tests/support/postgres.js'
import { aSpan, post, requestOf } from '../test/requests.js'
import { useRecorder } from '../test/running-recorder.js'
import { createRecorder } from './index.js'

const recorder = useRecorder()
beforeEach(() => recorder.client.query('TRUNCATE throughline.synthetic_operations'))

const synthetic = {
  'throughline.synthetic': true,
  'throughline.instance': randomUUID(),
  'throughline.seq': 1,
}
const asked = async (path: string, headers: Record<string, string> = {}, url = recorder.url) => {
  const answer = await fetch(`${url}${path}`, { headers })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}
/** How many rows each table has in which a real operation would leave something. */
const traces = async (): Promise<Record<string, number>> => {
  const tables = ['operations', 'dead_letter', 'instances', 'delivered', 'in_tx', 'rollup_marks']
  const counts = tables.map((name) => `(SELECT count(*)::int FROM throughline.${name}) AS ${name}`)
  return (await recorder.client.query(`SELECT ${counts.join(', ')}`)).rows[0]
}

test('a synthetic operation is answered 200 when it is committed, can be asked for, and is in nothing else', async () => {
  const before = await traces()
  const span = aSpan({ attributes: { 'correlation.id': 'doctor-1', ...synthetic } })
  expect((await asked(`/v1/synthetic?id=${span.traceId}`)).body).toEqual({ id: span.traceId, record: null })
  expect((await post(recorder.url, requestOf([span]))).status).toBe(200)
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  expect(await asked(`/v1/synthetic?id=${span.traceId}`)).toEqual({
    status: 200,
    body: {
      id: span.traceId,
      record: { service: 'billing', startedAt: time, receivedAt: time, recordedAt: time },
    },
  })
  expect(await traces()).toEqual(before)
  const { counters } = (await asked('/v1/status')).body as { counters: Record<string, number> }
  expect(counters['throughline.recorder.synthetic']).toBeGreaterThanOrEqual(1)
})

test('one that calls itself a start, a copy of a transaction, or carries a bad value is synthetic all the same', async () => {
  const before = await traces()
  const spans = [
    aSpan({ name: 'throughline.instance', attributes: { ...synthetic, 'throughline.lifecycle': 'start' } }),
    aSpan({ attributes: { ...synthetic, 'throughline.in_tx': true } }),
    aSpan({ attributes: { ...synthetic, 'throughline.business': 'no JSON' } }),
    aSpan({ attributes: synthetic, startTimeUnixNano: 0n }),
  ]
  expect((await post(recorder.url, requestOf(spans))).status).toBe(200)
  expect(await traces()).toEqual(before)
  for (const { traceId } of spans)
    expect((await asked(`/v1/synthetic?id=${traceId}`)).body.record).not.toBeNull()
})

test('an attribute of that name that is not true makes an operation no synthetic one', async () => {
  const spans = [false, 'true', 1].map((value) => aSpan({ attributes: { 'throughline.synthetic': value } }))
  expect((await post(recorder.url, requestOf(spans))).status).toBe(200)
  expect(await recorder.rows()).toHaveLength(3)
})

test('the checks say what the clocks, the schema and the partitions are', async () => {
  const { status, body } = await asked('/v1/checks')
  expect(status).toBe(200)
  expect(body).toMatchObject({
    fault: null,
    database: { schema: { missing: [], fault: null }, partitions: { missing: [] } },
  })
  expect(Math.abs(Date.parse(String(body.at)) - Date.now())).toBeLessThan(5_000)
})

test('asking needs a token of role read, and an ID that is one', async () => {
  const { url } = await recorder.another({ auth: 'required', tokenRefreshMs: 100 })
  const pool = new pg.Pool({ connectionString: recorder.databaseUrl })
  const bearer = async (role: TokenRole) => ({
    authorization: `Bearer ${(await createToken(pool, { name: role, role })).secret}`,
  })
  const path = `/v1/synthetic?id=${'a'.repeat(32)}`
  for (const one of [path, '/v1/checks']) {
    expect((await asked(one, {}, url)).status).toBe(401)
    expect((await asked(one, await bearer('ingest'), url)).status).toBe(403)
    expect((await asked(one, await bearer('read'), url)).status).toBe(200)
  }
  await pool.end()
  expect((await asked('/v1/synthetic?id=1')).status).toBe(400)
  expect((await asked('/v1/synthetic')).status).toBe(400)
})

test('a schema that the role of the recorder may not make is named to whoever asks for its health', async () => {
  const database = await testDatabase()
  const role = `nobody_${randomUUID().slice(0, 8)}`
  await recorder.client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`)
  const databaseUrl = Object.assign(new URL(database.url), { username: role, password: 'secret' }).href
  const helpless = createRecorder({ databaseUrl, port: 0, auth: 'off', log: () => {} })
  const { url } = await helpless.listen()
  try {
    const health = async () => (await asked('/healthz', {}, url)).body.reason
    await expect.poll(health, { timeout: 10_000 }).toBe('database: TL_SCHEMA_OLDER')
    expect((await asked('/v1/checks', {}, url)).body).toMatchObject({
      fault: 'TL_SCHEMA_OLDER',
      database: null,
    })
  } finally {
    await helpless.close()
    await database.drop()
    await recorder.client.query(`DROP ROLE ${role}`)
  }
})
