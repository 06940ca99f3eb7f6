import { beforeAll, expect, test } from 'vitest'
import { contractOf } from '../../test/api-contract.js'
import { aRow, writeRows } from '../../test/rows.js'
import { useRecorder } from '../../test/running-recorder.js'
import { createClient, type StreamEvent } from '../client.js'

const recorder = useRecorder()
let client: ReturnType<typeof createClient>
beforeAll(async () => {
  client = createClient({ url: (await recorder.another({})).url })
})

/** Reads the stream until it has what is waited for, or ten seconds have gone. */
const until = async (
  query: Parameters<typeof client.stream>[0],
  wanted: (events: StreamEvent[]) => boolean,
  at?: () => void,
) => {
  const events: StreamEvent[] = []
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(new Error('nothing came in time')), 10_000)
  try {
    for await (const event of client.stream(query, { signal: stop.signal })) {
      events.push(event)
      if (events.length === 1) at?.()
      if (wanted(events)) return events
    }
    return events
  } finally {
    clearTimeout(timer)
    stop.abort()
  }
}
const operations = (events: readonly StreamEvent[]) =>
  events.flatMap((event) => (event.event === 'operations' ? event.data.operations : []))

test('what is stored while a stream is open comes over it, once, with the figures', async () => {
  await writeRows(recorder.databaseUrl, [aRow({ operation: 'before' })])
  const events = await until(
    {},
    (all) => operations(all).length >= 3,
    () =>
      void writeRows(recorder.databaseUrl, [
        aRow({ operation: 'a' }),
        aRow({ operation: 'b', success: false, startedAtUs: BigInt(Date.now() - 500_000) * 1000n }),
      ]).then(() => writeRows(recorder.databaseUrl, [aRow({ operation: 'c' })])),
  )
  expect(
    operations(events)
      .map(({ operation }) => operation)
      .sort(),
  ).toEqual(['a', 'b', 'c'])
  const figures = events.find(({ event }) => event === 'figures')
  expect(figures?.data).toMatchObject({ figures: { count: expect.any(Number) } })
})

test('a stream can be of one operation, of failures, without the figures', async () => {
  const later = setInterval(
    () =>
      void writeRows(recorder.databaseUrl, [
        aRow({ operation: 'wanted', success: false }),
        aRow({ operation: 'wanted' }),
        aRow({ operation: 'other', success: false }),
      ]),
    300,
  )
  const events = await until(
    { operation: 'Billing.wanted', outcome: 'failure', events: 'operations' },
    (all) => operations(all).length > 0,
  ).finally(() => clearInterval(later))
  expect(events.every(({ event }) => event === 'operations')).toBe(true)
  expect(new Set(operations(events).map(({ operation, success }) => `${operation} ${success}`))).toEqual(
    new Set(['wanted false']),
  )
})

test('a recorder that closes ends its streams at once', async () => {
  const { recorder: own, url } = await recorder.another({ closeTimeoutMs: 20_000 })
  const started = Promise.withResolvers<void>()
  const reading = (async () => {
    for await (const _ of createClient({ url }).stream({})) started.resolve()
  })()
  await started.promise
  const before = performance.now()
  await own.close()
  await reading
  expect(performance.now() - before).toBeLessThan(10_000)
})

test('the metrics page has operations, and the recorder itself, in a form that can be parsed', async () => {
  await writeRows(recorder.databaseUrl, [
    aRow({ operation: 'odd "name"\\', durationUs: 30_000n }),
    aRow({ operation: 'odd "name"\\', durationUs: 80_000n, success: false }),
  ])
  const { url } = await recorder.another({})
  const api = await contractOf(url)
  const answer = await api.ask('/metrics/prometheus')
  expect(answer.headers.get('content-type')).toBe(
    'application/openmetrics-text; version=1.0.0; charset=utf-8',
  )
  const lines = (await answer.text()).split('\n')
  expect(lines.slice(-2)).toEqual(['# EOF', ''])
  const labels = 'service="billing",operation_service="Billing",operation_name="odd \\"name\\"\\\\"'
  expect(lines).toContain(`throughline_recorded_operations_total{${labels},outcome="success"} 1`)
  expect(lines).toContain(`throughline_recorded_operations_total{${labels},outcome="failure"} 1`)
  expect(lines).toContain(`throughline_recorded_duration_seconds_bucket{${labels},le="0.05"} 1`)
  expect(lines).toContain(`throughline_recorded_duration_seconds_bucket{${labels},le="0.1"} 2`)
  expect(lines).toContain(`throughline_recorded_duration_seconds_sum{${labels}} 0.11`)
  expect(lines).toContain('throughline_recorder_database_up 1')
  expect(lines).toContain('throughline_recorder_rows_total 0')
  for (const line of lines.slice(0, -1))
    expect(line).toMatch(/^(?:# (?:TYPE|UNIT|HELP|EOF).*|[a-zA-Z_:][\w:]*(?:\{.*\})? -?[\d.e+-]+)$/)
})
