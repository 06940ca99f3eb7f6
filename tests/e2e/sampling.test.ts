import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { lookups, type Stack, until } from '@throughline/cli'
import pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { testStack } from './support/test-stack.js'

const register = pathToFileURL(createRequire(import.meta.url).resolve('@throughline/sdk/register')).href
const program = fileURLToPath(new URL('./support/sampled-program.mjs', import.meta.url))

/** Per share: quick successes, and failed and slow ones among them. */
const SUCCESSES = 300
const FAILURES = 12
const SLOW = 8
const ALL = SUCCESSES + FAILURES + SLOW

interface Row {
  operation: string
  success: boolean
  traceId: string
  spanId: string
}

let stack: Stack
beforeAll(async () => {
  stack = await testStack()
  await Promise.all([stack.startJaeger(), stack.startPrometheus()])
  await stack.startCollector()
})

async function rowsOf(service: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: stack.databaseUrl })
  await client.connect()
  try {
    const { rows } = await client.query<Row>(
      `select operation, success, replace(trace_id::text, '-', '') as "traceId", lpad(to_hex(span_id), 16, '0') as "spanId"
         from throughline.operations where service = $1`,
      [service],
    )
    return rows
  } finally {
    await client.end()
  }
}

/** The spans of a service that Jaeger holds, by their IDs. */
async function jaegerSpans(service: string): Promise<Map<string, string>> {
  const url = new URL('/api/traces', stack.urls.jaeger)
  for (const [name, value] of Object.entries({ service, limit: '1500', lookback: '1h' }))
    url.searchParams.set(name, value)
  const answer = (await (await fetch(url)).json()) as {
    data: { spans: { spanID: string; operationName: string }[] }[] | null
  }
  return new Map(
    (answer.data ?? []).flatMap(({ spans }) => spans.map((one) => [one.spanID, one.operationName] as const)),
  )
}

async function counted(service: string): Promise<number> {
  const samples = await lookups.prometheusQuery(
    stack.urls.prometheus,
    `sum(throughline_operation_duration_seconds_count{job="${service}"})`,
  )
  return samples[0]?.value ?? 0
}

describe.each([
  ['0', 0, 0],
  // 300 at 10 %: 99.99 % of all runs lie between 11 and 52.
  ['0.1', 8, 60],
  ['1', SUCCESSES, SUCCESSES],
])('at a head sampling of %s', (share, least, most) => {
  const service = `sampled-${share.replace('.', '-')}`
  let rows: Row[]

  beforeAll(async () => {
    const port = stack.ports.allocation
    await stack.startProgram({
      name: service,
      url: `http://127.0.0.1:${port}`,
      healthUrl: `http://127.0.0.1:${port}/healthz`,
      command: process.execPath,
      args: ['--import', register, program],
      ports: ['allocation'],
      env: {
        PORT: String(port),
        SUCCESSES: String(SUCCESSES),
        FAILURES: String(FAILURES),
        SLOW: String(SLOW),
        OTEL_SERVICE_NAME: service,
        OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
        OTEL_TRACES_SAMPLER_ARG: share,
        OTEL_METRIC_EXPORT_INTERVAL: '500',
        OTEL_EXPORTER_OTLP_ENDPOINT: stack.otlpUrl,
        THROUGHLINE_KEEP_SLOW: '1000',
        THROUGHLINE_SPOOL_DIR: `${stack.dir}/spool`,
      },
    })
    await until(async () => (await rowsOf(service)).length >= ALL, { what: `${ALL} rows of ${service}` })
    rows = await rowsOf(service)
    await until(async () => (await counted(service)) >= ALL, {
      what: `${ALL} operations of ${service} in Prometheus`,
    })
    await stack.parts.find((one) => one.name === service)?.stop()
  })

  test('each operation is one row', () => {
    expect(rows).toHaveLength(ALL)
    expect(new Set(rows.map((one) => one.spanId)).size).toBe(ALL)
    expect(rows.filter((one) => !one.success)).toHaveLength(FAILURES)
  })

  test('each operation is counted', async () => {
    expect(await counted(service)).toBe(ALL)
  })

  test('Jaeger has its share of the successes, and every failed or slow operation', async () => {
    const kept = rows.filter((one) => !one.success || one.operation === 'slow')
    expect(kept).toHaveLength(FAILURES + SLOW)
    const spans = await until(
      async () => {
        const seen = await jaegerSpans(service)
        return kept.every((one) => seen.has(one.spanId)) && seen
      },
      { what: `the failed and slow operations of ${service} in Jaeger` },
    )
    const successes = rows.filter((one) => one.success && one.operation !== 'slow' && spans.has(one.spanId))
    expect(successes.length).toBeGreaterThanOrEqual(least)
    expect(successes.length).toBeLessThanOrEqual(most)
  })
})
