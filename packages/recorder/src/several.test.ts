import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { expect, test, vi } from 'vitest'
import { testDatabase } from '../../../tests/support/postgres.js'
import { aSpan, post, requestOf } from '../test/requests.js'
import { createRecorder, type LogLine } from './index.js'

test('several recorders start on one empty database and take the same records in any order: each is stored once', async () => {
  const database = await testDatabase()
  const lines: LogLine[] = []
  const recorders = Array.from({ length: 4 }, () =>
    createRecorder({
      databaseUrl: database.url,
      port: 0,
      auth: 'off',
      maintenanceIntervalMs: 200,
      log: (line) => lines.push(line),
    }),
  )
  const urls = await Promise.all(recorders.map(async (recorder) => (await recorder.listen()).url))
  for (const url of urls)
    await vi.waitUntil(async () => (await fetch(`${url}/healthz`)).ok, { timeout: 30_000 })

  const instance = randomUUID()
  const spans = Array.from({ length: 600 }, (_, n) =>
    aSpan({ attributes: { 'throughline.instance': instance, 'throughline.seq': n + 1 } }),
  )
  const requests = Array.from({ length: 12 }, (_, n) => requestOf(spans.slice(n * 50, (n + 1) * 50)))
  const send = async (url: string, order: readonly Buffer[]): Promise<number> => {
    let repeated = 0
    for (const body of order)
      for (let status = 0; status !== 200; ) {
        status = (await post(url, body)).status
        expect([200, 503]).toContain(status)
        if (status === 503) repeated += 1
      }
    return repeated
  }
  await Promise.all(
    urls.flatMap((url, n) => [
      send(url, n % 2 === 0 ? requests : requests.toReversed()),
      send(url, [...requests.slice(n * 3), ...requests.slice(0, n * 3)]),
    ]),
  )

  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  const count = async (sql: string): Promise<number> => (await client.query(sql)).rows[0].n
  expect(await count('SELECT count(*)::int AS n FROM throughline.operations')).toBe(600)
  // 8 senders sent each record; what was answered 503 was stored by nobody.
  expect(await count('SELECT sum(received)::int AS n FROM throughline.delivered')).toBe(8 * 600)
  for (const url of urls)
    expect(await (await fetch(`${url}/v1/confirm?instance=${instance}`)).json()).toEqual({
      instance,
      ranges: [[1, 600]],
    })

  // All of them look after the database, and what they join stays true.
  await vi.waitUntil(
    async () => (await count('SELECT count(*)::int AS n FROM throughline.delivered')) === 1,
    {
      timeout: 20_000,
    },
  )
  expect(await count('SELECT sum(received)::int AS n FROM throughline.delivered')).toBe(8 * 600)
  const status = (await (await fetch(`${urls[0]}/v1/status`)).json()) as Record<string, never>
  expect(status).toMatchObject({
    status: 'ok',
    pending: { records: 0, bytes: 0 },
    maintenance: { faults: [] },
  })

  await Promise.all(recorders.map((recorder) => recorder.close()))
  expect(lines.filter((line) => !['start', 'write', 'retention'].includes(line.kind))).toEqual([])
  await client.end()
  await database.drop()
}, 60_000)
