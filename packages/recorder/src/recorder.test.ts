import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { aSpan, json, jsonOf, nowNs, post, protobuf, requestOf } from '../test/requests.js'
import { useRecorder } from '../test/running-recorder.js'
import { createRecorder } from './index.js'

const recorder = useRecorder()

test('says what it is, and that it is well', async () => {
  expect(await (await fetch(recorder.url)).text()).toContain('Throughline')
  expect(await (await fetch(`${recorder.url}/healthz`)).json()).toEqual({ status: 'ok' })
})

test('the same record by hand in JSON and in protobuf, plain and gzipped, gives equal rows', async () => {
  const startTimeUnixNano = nowNs() + 999n
  const span = aSpan({
    startTimeUnixNano,
    parentSpanId: '00f067aa0ba902b7',
    attributes: {
      'correlation.id': 'order-4711',
      'user.id': 42,
      'metadata.site': 'cologne',
      'metadata.ok': true,
    },
    status: { code: 2, message: 'declined' },
  })
  const byHand = jsonOf({
    ...{
      traceId: span.traceId,
      spanId: 'aaaaaaaaaaaaaaaa',
      parentSpanId: span.parentSpanId,
      name: span.name,
    },
    kind: 1,
    startTimeUnixNano: String(startTimeUnixNano),
    endTimeUnixNano: String(span.endTimeUnixNano),
    attributes: [
      { key: 'correlation.id', value: { stringValue: 'order-4711' } },
      { key: 'user.id', value: { intValue: '42' } },
      { key: 'metadata.site', value: { stringValue: 'cologne' } },
      { key: 'metadata.ok', value: { boolValue: true } },
    ],
    status: { code: 2, message: 'declined' },
  })
  const gzip = { 'content-encoding': 'gzip' }
  const answers = [
    await post(recorder.url, byHand, json),
    await post(recorder.url, gzipSync(byHand.replace('aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb')), {
      ...json,
      ...gzip,
    }),
    await post(recorder.url, requestOf([{ ...span, spanId: 'cccccccccccccccc' }])),
    await post(recorder.url, gzipSync(requestOf([{ ...span, spanId: 'dddddddddddddddd' }])), {
      ...protobuf,
      ...gzip,
    }),
  ]
  expect(answers.map((answer) => [answer.status, answer.headers.get('content-type')])).toEqual([
    [200, 'application/json'],
    [200, 'application/json'],
    [200, 'application/x-protobuf'],
    [200, 'application/x-protobuf'],
  ])
  expect(await answers[0]!.json()).toEqual({})
  expect((await answers[2]!.arrayBuffer()).byteLength).toBe(0)

  const [first, ...others] = (await recorder.rows()).map(({ span_id, recorded_at, ...rest }) => rest)
  expect(others).toEqual([first, first, first])
  expect(first).toMatchObject({
    correlation_id: 'order-4711',
    service: 'billing',
    operation_service: 'Billing',
    operation: 'charge',
    user_id: '42',
    duration_us: '250000',
    success: false,
    error_message: 'declined',
    metadata: { site: 'cologne', ok: true },
  })
})

test('a span of a stranger with only what the contract requires gets its row', async () => {
  const start = nowNs()
  const traceId = '5b8efff798038103d269b633813fc60c'
  const answer = await post(
    recorder.url,
    JSON.stringify({
      resourceSpans: [
        {
          scopeSpans: [
            {
              scope: { name: 'throughline.operations' },
              spans: [
                {
                  traceId,
                  spanId: 'eee19b7ec3c1b174',
                  startTimeUnixNano: String(start),
                  endTimeUnixNano: String(start),
                },
              ],
            },
          ],
        },
      ],
    }),
    json,
  )
  expect(answer.status).toBe(200)
  expect(await recorder.rows()).toMatchObject([
    { correlation_id: traceId, service: 'unknown_service', operation: '', duration_us: '0', success: true },
  ])
})

test('spans of other scopes are answered 200 and not stored', async () => {
  expect((await post(recorder.url, requestOf([aSpan()], 'some.library'))).status).toBe(200)
  expect((await post(recorder.url, Buffer.alloc(0))).status).toBe(200)
  expect(await recorder.rows()).toEqual([])
})

test('a request that is sent again adds nothing', async () => {
  const body = requestOf([aSpan(), aSpan(), aSpan()])
  const statuses = await Promise.all([
    post(recorder.url, body),
    post(recorder.url, body),
    post(recorder.url, body),
  ])
  expect(statuses.map((answer) => answer.status)).toEqual([200, 200, 200])
  expect(await recorder.rows()).toHaveLength(3)
})

test('a record that can never become a row is parked and named, the others are stored', async () => {
  const start = nowNs()
  const body = requestOf([
    aSpan(),
    aSpan({ traceId: '0'.repeat(32) }),
    aSpan({ startTimeUnixNano: start, endTimeUnixNano: start - 1n }),
    aSpan({ attributes: { 'throughline.business': '[{"name":"n","labels":{},"value":1}]' } }),
    aSpan({ startTimeUnixNano: 1n }),
    aSpan({ attributes: { metadata: '{"n": 1e200000}' } }),
  ])
  const answer = await post(recorder.url, body)
  expect(answer.status).toBe(200)
  const text = Buffer.from(await answer.arrayBuffer()).toString('latin1')
  expect(text).toContain('\x08\x05\x12') // rejected_spans = 5, then error_message
  expect(text).toContain('5 of 6 records are parked in dead_letter')
  expect(text).toContain('the end time is before the start time (1)')
  expect(await recorder.rows()).toHaveLength(1)
  expect(await recorder.parked()).toHaveLength(5)
  expect((await post(recorder.url, body)).status).toBe(200)
  expect(await recorder.parked()).toHaveLength(5)

  const bad = {
    traceId: 'f'.repeat(32),
    spanId: '0'.repeat(16),
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(start),
  }
  expect(await (await post(recorder.url, jsonOf(bad), json)).json()).toMatchObject({
    partialSuccess: { rejectedSpans: '1', errorMessage: expect.stringMatching(/span ID is not 8 bytes/) },
  })
})

test('no answer comes before COMMIT: while the table is locked the sender waits', async () => {
  const release = await recorder.lockTable()
  let status = 0
  const answer = post(recorder.url, requestOf([aSpan()])).then((response) => {
    status = response.status
  })
  await expect.poll(recorder.waiting, { timeout: 10_000 }).toBe(1)
  expect(status).toBe(0)
  await release()
  await answer
  expect(status).toBe(200)
  expect(await recorder.rows()).toHaveLength(1)
})

test('requests that come while a write is under way share the next one, and each gets its own answer', async () => {
  const release = await recorder.lockTable()
  const answers = Array.from({ length: 40 }, (_, n) =>
    post(recorder.url, requestOf([aSpan({ attributes: { metadata: n === 7 ? '{"n": 1e200000}' : '{}' } })])),
  )
  await expect.poll(recorder.waiting, { timeout: 10_000 }).toBe(2)
  await release()
  const sizes = await Promise.all(
    (await Promise.all(answers)).map(async (answer) => [
      answer.status,
      (await answer.arrayBuffer()).byteLength > 0,
    ]),
  )
  expect(sizes).toEqual(Array.from({ length: 40 }, (_, n) => [200, n === 7]))
  const transactions = await recorder.client.query(
    'SELECT count(DISTINCT xmin::text)::int AS n FROM throughline.operations',
  )
  expect(transactions.rows[0].n).toBeLessThan(10)
  expect(await recorder.rows()).toHaveLength(39)
})

test('more than may wait is answered 503 with Retry-After, and is taken later', async () => {
  const { recorder: small, url: address } = await recorder.another({
    maxPendingRows: 8,
    maxWrites: 1,
    retryAfterSeconds: 7,
  })
  const release = await recorder.lockTable()
  const bodies = Array.from({ length: 4 }, () => requestOf([aSpan(), aSpan(), aSpan(), aSpan()]))
  const waiting = bodies.slice(0, 2).map((body) => post(address, body))
  await expect
    .poll(async () => {
      const answer = await Promise.race([post(address, bodies[2]!), ...waiting])
      return [answer.status, answer.headers.get('retry-after')]
    })
    .toEqual([503, '7'])
  await release()
  expect((await Promise.all(waiting)).map((answer) => answer.status)).toEqual([200, 200])
  expect((await post(address, bodies[2]!)).status).toBe(200)
  expect(await recorder.rows()).toHaveLength(12)
  await small.close()
})

test('a request of more records than one write takes is stored whole', async () => {
  const { recorder: small, url: address } = await recorder.another({ maxRowsPerWrite: 100 })
  const spans = Array.from({ length: 1_050 }, () => aSpan())
  expect((await post(address, requestOf(spans))).status).toBe(200)
  expect(await recorder.rows()).toHaveLength(1_050)
  await small.close()
})

test('a fault of the database that is nobody’s row is 503, never 500', async () => {
  await recorder.client.query('ALTER TABLE throughline.operations RENAME COLUMN operation TO operation_gone')
  const answer = await post(recorder.url, requestOf([aSpan()]))
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
  expect(Buffer.from(await answer.arrayBuffer()).toString('latin1')).toContain('42703')
  await recorder.client.query('ALTER TABLE throughline.operations RENAME COLUMN operation_gone TO operation')
  expect((await post(recorder.url, requestOf([aSpan()]))).status).toBe(200)
  expect(recorder.lines.some((line) => line.kind === 'write' && line.message.includes('operation'))).toBe(
    true,
  )
})

test('connections that the database cuts under load lose nothing and double nothing', async () => {
  const { url } = await recorder.another({ maxRowsPerWrite: 20 })
  const cut = `SELECT count(pg_terminate_backend(pid))::int AS n FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'throughline recorder' AND state <> 'idle'`
  let sending = true
  let cuts = 0
  const cutting = (async () => {
    while (sending && cuts < 20) cuts += (await recorder.client.query(cut)).rows[0].n
  })()
  let refusals = 0
  const sender = async (): Promise<void> => {
    for (let n = 0; n < 15; n += 1) {
      const body = requestOf(Array.from({ length: 10 }, () => aSpan()))
      for (let status = 0; status !== 200; ) {
        status = (await post(url, body)).status
        if (status !== 200) {
          expect(status).toBe(503)
          refusals += 1
        }
      }
    }
  }
  await Promise.all([sender(), sender(), sender(), sender()])
  sending = false
  await cutting
  expect(cuts).toBeGreaterThan(0)
  expect(refusals).toBeGreaterThan(0)
  expect(await recorder.rows()).toHaveLength(600)
})

test('closing answers the request that is under way', async () => {
  const { recorder: ending, url: address } = await recorder.another({})
  const release = await recorder.lockTable()
  const answer = post(address, requestOf([aSpan()]))
  await expect.poll(recorder.waiting).toBe(1)
  const closed = ending.close()
  await release()
  expect((await answer).status).toBe(200)
  await closed
  await expect(fetch(address)).rejects.toThrow()
})

test('options that cannot work are refused by name', () => {
  expect(() => createRecorder({ databaseUrl: 'mysql://x' })).toThrow(/databaseUrl/)
  expect(() => createRecorder({ databaseUrl: recorder.databaseUrl, port: 70_000 })).toThrow(/port is 70000/)
  expect(() => createRecorder({ databaseUrl: recorder.databaseUrl, maxWrites: 0 })).toThrow(/maxWrites is 0/)
})
