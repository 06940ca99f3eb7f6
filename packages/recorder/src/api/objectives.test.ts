import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rollUp } from '@throughline/postgres/rollups'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { contractOf } from '../../test/api-contract.js'
import { aRow, writeRows } from '../../test/rows.js'
import { useRecorder } from '../../test/running-recorder.js'
import type { PerformanceAnswer } from '../client.js'

const model = `model: shop
currency: USD
operations:
  charge: {operation: Billing.charge, minutes_saved: 1}
objectives:
  charging:
    about: a person waits
    operation: Billing.charge
    success_percent: 99
    leave_out: [CardDeclined]
    latency: {percent: 90, within_ms: 100}
    window_days: 2
  elsewhere: {operation: Billing.charge, service: shop, success_percent: 50}
  refunding: {operation: Billing.refund, success_percent: 99.9}
`
const recorder = useRecorder()
let api: Awaited<ReturnType<typeof contractOf>>
let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'throughline-objectives-'))
  await writeFile(join(dir, 'value.yaml'), model)
  api = await contractOf((await recorder.another({ valueModel: join(dir, 'value.yaml') })).url)
})
beforeEach(async () => {
  await recorder.client.query('TRUNCATE throughline.rollup_marks, throughline.rollup_operations')
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const hourMs = 3_600_000
const at = (hoursAgo: number): bigint => BigInt(Date.now() - hoursAgo * hourMs) * 1000n
let asked = 0
const objectives = async (query: string) => {
  asked += 1
  const { objectives: found } = await api.json<PerformanceAnswer>(
    `/metrics/performance?top=${asked}&${query}`,
  )
  return found
}

test('an objective says what is reached over its own window, what is left of its budget, and how fast that goes', async () => {
  const failed = (errorType: string, n: number, hoursAgo: number) =>
    Array.from({ length: n }, () => aRow({ startedAtUs: at(hoursAgo), success: false, errorType }))
  await writeRows(recorder.databaseUrl, [
    ...Array.from({ length: 380 }, () => aRow({ startedAtUs: at(30) })),
    ...Array.from({ length: 20 }, () => aRow({ startedAtUs: at(3), durationUs: 250_000n })),
    ...failed('Timeout', 3, 30),
    ...failed('Timeout', 1, 0.1),
    ...failed('CardDeclined', 50, 0.1),
    ...failed('Timeout', 9, 60),
    aRow({ operation: 'refund', success: false, errorType: 'Timeout' }),
  ])
  for (const _ of ['rows', 'sums']) {
    const [charging, ...others] = await objectives('operation=Billing.charge&service=billing&hours=1')
    expect(others).toEqual([])
    expect(charging).toMatchObject({
      name: 'charging',
      about: 'a person waits',
      service: null,
      window: { days: 2 },
      leaveOut: ['CardDeclined'],
    })
    expect(charging?.goals).toEqual([
      {
        kind: 'success',
        withinMs: null,
        target: 0.99,
        counted: 404,
        missed: 4,
        allowed: 4.04,
        reached: 1 - 4 / 404,
        met: true,
        budgetLeft: expect.closeTo(0.0099, 4),
        // In the hour that is asked for the one operation that counts failed: a hundred times what may.
        burnRate: 100,
      },
      {
        kind: 'latency',
        withinMs: 100,
        target: 0.9,
        counted: 454,
        missed: 20,
        allowed: 45.4,
        reached: 1 - 20 / 454,
        met: true,
        budgetLeft: expect.closeTo(0.5595, 4),
        burnRate: 0,
      },
    ])
    const pool = new pg.Pool({ connectionString: recorder.databaseUrl })
    await rollUp(pool)
    await pool.end()
  }
})

test('it is missed when more failed than may; where nothing ran it is neither met nor missed', async () => {
  await writeRows(recorder.databaseUrl, [
    aRow({ operation: 'refund', success: false }),
    aRow({ operation: 'refund' }),
  ])
  const [refunding] = await objectives('operation=refund&operation_service=Billing')
  expect(refunding?.goals).toMatchObject([{ reached: 0.5, met: false, budgetLeft: -499 }])
  const [charging] = await objectives('operation=Billing.charge')
  expect(charging?.goals[0]).toMatchObject({
    counted: 0,
    reached: null,
    met: null,
    budgetLeft: null,
    burnRate: null,
  })
})

test('a question about several operations has no objectives, and one narrowed to a service those of that service', async () => {
  expect(await objectives('service=billing')).toEqual([])
  expect(await objectives('operation=Billing.other')).toEqual([])
  expect((await objectives('operation=Billing.charge&service=shop')).map(({ name }) => name)).toEqual([
    'charging',
    'elsewhere',
  ])
})
