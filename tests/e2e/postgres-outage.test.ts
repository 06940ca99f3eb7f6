import { lookups, until } from '@throughline/cli'
import { expect, test } from 'vitest'
import { countRows } from '../../examples/dyno-allocation/src/demo/counts.js'
import { postJson, traceRequest } from './support/otlp-json.js'
import { testStack } from './support/test-stack.js'

test('while Postgres is down the recorder says 503 with Retry-After; afterwards everything arrives once', async () => {
  const stack = await testStack()
  const recorder = stack.parts.find((part) => part.name === 'recorder')!
  const postgres = stack.parts.find((part) => part.name === 'postgres')!
  await stack.startCollector()
  await postgres.kill('SIGKILL')

  const { body } = traceRequest({ attributes: { 'correlation.id': 'direct' } })
  const refused = await postJson(`${stack.recorderUrl}/v1/traces`, body, stack.tokens.ingest)
  expect(refused.status).toBe(503)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)

  const ids = Array.from({ length: 50 }, (_, i) => `outage-${i}`)
  for (const id of ids) {
    const { body: record } = traceRequest({ attributes: { 'correlation.id': id } })
    expect((await postJson(`${stack.otlpUrl}/v1/traces`, record)).status).toBe(200)
  }
  const { pid } = recorder
  expect(pid).toBeDefined()

  await postgres.start()
  await until(
    async () => (await postJson(`${stack.recorderUrl}/v1/traces`, body, stack.tokens.ingest)).status === 200,
    {
      what: 'the recorder to take records again',
    },
  )
  // The same request once more: it was already stored.
  expect((await postJson(`${stack.recorderUrl}/v1/traces`, body, stack.tokens.ingest)).status).toBe(200)
  const journal = { answered: ids.map((correlationId) => ({ correlationId, status: 201 })), broken: [] }
  await until(async () => (await countRows(stack.databaseUrl, journal)).rows >= 50, {
    what: 'the 50 records of the outage',
  })
  expect(await countRows(stack.databaseUrl, journal)).toMatchObject({ rows: 50, distinct: 50 })
  expect(await lookups.rowsByCorrelation(stack.databaseUrl, 'direct')).toHaveLength(1)
  expect(recorder.pid, 'the recorder is the same process').toBe(pid)
})
