import { randomBytes } from 'node:crypto'
import type { Attributes, Span } from '@throughline/otlp'
import { recordIn } from '@throughline/postgres/record-in'
import { toOperationRow } from '@throughline/postgres/span-row'
import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { aSpan, nowNs, post, requestOf } from '../../test/requests.js'
import { useRecorder } from '../../test/running-recorder.js'

const recorder = useRecorder()
const instance = '018f6a2e-7c1b-7d3e-9a51-0123456789ab'
let quick: string
let client: pg.Client

beforeAll(async () => {
  quick = (await recorder.another({ rolledBackAfterMs: 200 })).url
  client = new pg.Client({ connectionString: recorder.databaseUrl })
  await client.connect()
})
afterAll(() => client.end())

let seq = 0
/** A record on the wire, as an SDK sends it after `recordIn`; and what `recordIn` would get of the same operation. */
const aCopy = (attributes: Attributes = {}, changes: Partial<Span> = {}) => {
  seq += 1
  const copy = aSpan({
    startTimeUnixNano: nowNs() + 999n,
    attributes: {
      'correlation.id': 'order-4711',
      'metadata.site': 'cologne',
      'throughline.business': '[{"name":"business.value","labels":{"currency":"USD"},"value":"129.90"}]',
      'throughline.instance': instance,
      'throughline.seq': seq,
      'throughline.in_tx': true,
      ...attributes,
    },
    ...changes,
  })
  const { inTx: _, ...row } = toOperationRow(copy, { 'service.name': 'billing' }).row!
  return { copy, seq, inside: { seal: () => ({ ...row, seq: null, durationUs: 1n }) } }
}
const inTx = async () =>
  (await recorder.client.query('SELECT count(*)::int AS n FROM throughline.in_tx')).rows[0].n
const settled = () => vi.waitUntil(async () => (await inTx()) === 0, { timeout: 10_000 })

test('a copy that finds its row is a duplicate', async () => {
  const { copy, inside } = aCopy()
  await client.query('BEGIN')
  await recordIn(client, inside)
  await client.query('COMMIT')
  expect((await post(recorder.url, requestOf([copy]))).status).toBe(200)
  await settled()
  expect(await recorder.rows()).toMatchObject([{ duration_us: '1', success: true }])
})

test('a copy whose transaction is open is answered at once, and so are the records that came with it', async () => {
  const { copy, inside } = aCopy()
  await client.query('BEGIN')
  await recordIn(client, inside)
  expect((await post(quick, requestOf([copy, aSpan({ name: 'Billing.other' })]))).status).toBe(200)
  expect(await recorder.rows()).toMatchObject([{ operation: 'other' }])
  // Longer than this recorder's patience with a key that nobody holds.
  const { rows } = await client.query('SELECT clock_timestamp() AS at')
  await vi.waitUntil(
    async () => {
      const looked = await recorder.client.query(
        `SELECT FROM throughline.in_tx WHERE next_at > $1::timestamptz + interval '500 ms'`,
        [rows[0].at],
      )
      return looked.rowCount === 1
    },
    { timeout: 10_000 },
  )
  expect(await recorder.rows()).toHaveLength(1)
  await client.query('COMMIT')
  await settled()
  expect((await recorder.rows()).map((row) => [row.operation, row.success])).toEqual([
    ['charge', true],
    ['other', true],
  ])
})

test('a copy whose transaction is gone becomes a row that says so', async () => {
  const { copy, inside, seq } = aCopy()
  await client.query('BEGIN')
  await recordIn(client, inside)
  await client.query('ROLLBACK')
  expect((await post(quick, requestOf([copy]))).status).toBe(200)
  await settled()
  expect(await recorder.rows()).toMatchObject([
    {
      success: false,
      error_type: 'rolled_back',
      metadata: { site: 'cologne' },
      business: null,
      duration_us: '250000',
      instance,
      seq: String(seq),
    },
  ])
})

test('a copy counts as delivered as soon as it is answered, settled or not', async () => {
  const { copy, inside, seq } = aCopy()
  await client.query('BEGIN')
  await recordIn(client, inside)
  await post(recorder.url, requestOf([copy]))
  const confirmed = await fetch(`${recorder.url}/v1/confirm?instance=${instance}&after=${seq - 1}`)
  expect(await confirmed.json()).toMatchObject({ ranges: [[expect.any(Number), seq]] })
  await client.query('COMMIT')
  await settled()
})

test('what one recorder left behind another one settles', async () => {
  const first = await recorder.another({})
  const { copy, inside } = aCopy({}, { traceId: randomBytes(16).toString('hex') })
  await client.query('BEGIN')
  await recordIn(client, inside)
  await post(first.url, requestOf([copy]))
  await first.recorder.close()
  await client.query('COMMIT')
  await settled()
  expect(await recorder.rows()).toHaveLength(1)
})
