import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { lookups, type Stack, until } from '@throughline/cli'
import { beforeAll, expect, test } from 'vitest'
import { postJson, traceRequest } from './support/otlp-json.js'
import { handSpan } from './support/otlp-protobuf.js'
import { testStack } from './support/test-stack.js'

let stack: Stack

beforeAll(async () => {
  stack = await testStack()
  await stack.startCollector()
})

async function rowOf(correlationId: string) {
  const rows = await until(
    async () => {
      const found = await lookups.rowsByCorrelation(stack.databaseUrl, correlationId)
      return found.length > 0 && found
    },
    { what: `the row of ${correlationId}` },
  )
  expect(rows).toHaveLength(1)
  return rows[0]!
}

test('a client that only read record.md gets its row from JSON', async () => {
  const { body, span } = traceRequest({
    service: 'billing',
    name: 'Billing.charge',
    attributes: {
      'correlation.id': 'order-1',
      'user.id': 42,
      'metadata.retries': 2,
      'metadata.card.brand': 'visa',
      metadata: '{"basket":{"items":3}}',
      'throughline.business':
        '[{"name":"business.order.value","labels":{"currency":"USD"},"value":"129.90"}]',
    },
    status: { code: 2, message: 'declined' },
    events: [
      {
        name: 'exception',
        timeUnixNano: '1',
        attributes: [
          { key: 'exception.type', value: { stringValue: 'CardDeclined' } },
          { key: 'exception.message', value: { stringValue: 'the bank said no' } },
        ],
      },
    ],
  })
  expect((await postJson(`${stack.otlpUrl}/v1/traces`, body)).status).toBe(200)
  expect(await rowOf('order-1')).toMatchObject({
    traceId: span.traceId,
    spanId: span.spanId,
    service: 'billing',
    operationService: 'Billing',
    operation: 'charge',
    userId: '42',
    durationUs: 250_000,
    success: false,
    errorType: 'CardDeclined',
    errorMessage: 'the bank said no',
    metadata: { retries: 2, 'card.brand': 'visa', basket: { items: 3 } },
    business: [{ name: 'business.order.value', labels: { currency: 'USD' }, value: '129.90' }],
  })
})

test('and from protobuf, with nothing but what a record must have', async () => {
  const span = handSpan({ name: 'nightly', startMs: Date.now(), durationMs: 5 })
  const answer = await fetch(`${stack.otlpUrl}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: span.body,
  })
  expect(answer.status).toBe(200)
  // No correlation ID was sent: the trace ID stands for it.
  expect(await rowOf(span.traceId)).toMatchObject({
    service: 'unknown_service',
    operationService: 'unknown_service',
    operation: 'nightly',
    success: true,
    metadata: null,
  })
})

test('sent a second time it stays one row', async () => {
  const { body } = traceRequest({ attributes: { 'correlation.id': 'twice' } })
  for (let i = 0; i < 3; i += 1)
    expect((await postJson(`${stack.recorderUrl}/v1/traces`, body, stack.tokens.ingest)).status).toBe(200)
  await rowOf('twice')
})

test('the curl command of record.md works as it is printed', async () => {
  const page = readFileSync(new URL('../../docs/reference/record.md', import.meta.url), 'utf8')
  const json = /-d '(\{"resourceSpans".*)'\n```/s.exec(page)![1]!
  const seconds = Math.floor(Date.now() / 1_000)
  const body = json.replaceAll("'$(date +%s)'", String(seconds))
  expect((await postJson(`${stack.otlpUrl}/v1/traces`, JSON.parse(body))).status).toBe(200)
  expect(await rowOf('order-4711')).toMatchObject({ service: 'billing', operation: 'charge' })
})

test("the README's ten lines, started as it says, give one row with the exact value", async () => {
  const register = pathToFileURL(createRequire(import.meta.url).resolve('@throughline/sdk/register')).href
  const app = new URL('../../examples/dyno-allocation/dist/quickstart.js', import.meta.url).pathname
  const env = {
    ...process.env,
    OTEL_EXPORTER_OTLP_ENDPOINT: stack.otlpUrl,
    OTEL_SERVICE_NAME: 'my-service',
    THROUGHLINE_SPOOL_DIR: `${stack.dir}/spool`,
  }
  const { stderr } = await promisify(execFile)(process.execPath, ['--import', register, app], { env })
  expect(stderr).toMatch(/^throughline: my-service; instruments http, undici; records to .*\n$/)
  const rows = (
    await until(
      async () => {
        const found = await lookups.rowsByCorrelation(stack.databaseUrl, 'order-4711')
        return found.some((row) => row.service === 'my-service') && found
      },
      { what: 'the row of the quick start' },
    )
  ).filter((row) => row.service === 'my-service')
  expect(rows).toHaveLength(1)
  expect(rows[0]).toMatchObject({
    operationService: 'Billing',
    operation: 'charge',
    success: true,
    business: [{ name: 'business.order.value', labels: { plan: 'pro', currency: 'USD' }, value: '129.90' }],
  })
})
