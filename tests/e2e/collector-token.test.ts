import { lookups, until } from '@throughline/cli'
import { createToken, newSecret } from '@throughline/postgres/tokens'
import pg from 'pg'
import { expect, test } from 'vitest'
import { postJson, traceRequest } from './support/otlp-json.js'
import { testStack } from './support/test-stack.js'

test('a Collector whose token the recorder does not know keeps the records; they arrive once it does', async () => {
  const secret = newSecret('ingest')
  const stack = await testStack({ collectorSettings: { THROUGHLINE_INGEST_TOKEN: secret } })
  await stack.startCollector()
  const ids = Array.from({ length: 20 }, (_, n) => `token-${n}`)
  for (const id of ids) {
    const { body } = traceRequest({ attributes: { 'correlation.id': id } })
    expect((await postJson(`${stack.otlpUrl}/v1/traces`, body)).status).toBe(200)
  }
  const refused = async (): Promise<number> => {
    const headers = { authorization: `Bearer ${stack.tokens.read}` }
    const answer = await fetch(`${stack.recorderUrl}/v1/status`, { headers })
    const { counters } = (await answer.json()) as { counters: Record<string, number> }
    return counters['throughline.recorder.unknown_bearers'] ?? 0
  }
  await until(async () => (await refused()) > 3, { what: 'requests with the unknown token' })
  expect(await lookups.rowsByCorrelation(stack.databaseUrl, ids[0]!)).toEqual([])

  const pool = new pg.Pool({ connectionString: stack.databaseUrl })
  await createToken(pool, { name: 'collector', role: 'ingest', secret })
  await pool.end()
  for (const id of ids)
    await until(async () => (await lookups.rowsByCorrelation(stack.databaseUrl, id)).length === 1, {
      what: `the row of ${id}`,
    })
})
