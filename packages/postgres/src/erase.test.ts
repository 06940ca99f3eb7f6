import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { anOperationRow } from '../../../tests/support/operation-rows.js'
import { type TestDatabase, testDatabase } from '../../../tests/support/postgres.js'
import { auditInstances } from './audit.js'
import { erasedRows, eraseUser, recordsOfUser } from './erase.js'
import { createPool, createWriter, ensurePartitions, migrate } from './index.js'
import { applyRetention } from './maintenance.js'
import { deadLetterBody } from './operation-row.js'
import { readOperations, readUsers, rollUp } from './rollups.js'

const dayMs = 86_400_000
const today = Math.floor(Date.now() / dayMs) * dayMs
const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

describe('erasing a user', () => {
  let database: TestDatabase
  let pool: pg.Pool

  beforeAll(async () => {
    database = await testDatabase()
    await migrate(database.url)
    pool = createPool(database.url)
  })
  afterAll(async () => {
    await pool.end()
    await database.drop()
  })
  beforeEach(async () => {
    await pool.query(`TRUNCATE throughline.operations, throughline.delivered, throughline.instances, throughline.dead_letter,
      throughline.in_tx, throughline.erased, throughline.rollup_marks, throughline.rollup_operations, throughline.rollup_business,
      throughline.rollup_version_values, throughline.rollup_users`)
    await pool.query(`UPDATE throughline.rollup_floor SET floor = '-infinity'`)
    await ensurePartitions(pool)
  })

  /** At noon, so that a test that runs at midnight has the same days. */
  const daysAgo = (days: number, changes: Parameters<typeof anOperationRow>[0] = {}) =>
    anOperationRow({ startedAtUs: BigInt(today - days * dayMs - dayMs / 2) * 1000n, ...changes })
  const window = { from: new Date(today - 100 * dayMs), until: new Date(today + dayMs) }
  const usersSeen = async (): Promise<string[]> =>
    (await readUsers(pool, window)).steps.flatMap(({ top }) => top.map(({ user }) => user)).sort()
  const counted = async (): Promise<number> => (await readOperations(pool, window)).figures[0]?.count ?? 0
  const textOfSums = async (): Promise<string> =>
    (await pool.query('SELECT users FROM throughline.rollup_users')).rows.flatMap(({ users }) => users).join()

  test('takes the rows of that user and no others, and the sums follow at once and for good', async () => {
    await createWriter(pool).write([
      daysAgo(0, { userId: 'ann' }),
      daysAgo(0, { userId: 'bob' }),
      daysAgo(3, { userId: 'ann' }),
      daysAgo(3, { userId: 'ann', operation: 'refund' }),
      daysAgo(3, { userId: null }),
    ])
    await rollUp(pool)
    const expected = { rows: 3, parked: 0, copies: 0, frozen: [] }
    const days = [
      { day: dayOf(today - 3.5 * dayMs), rows: 2 },
      { day: dayOf(today - dayMs / 2), rows: 1 },
    ]
    const found = await recordsOfUser(pool, 'ann')
    expect(found).toMatchObject(expected)
    expect(found.days.filter(({ rows }) => rows > 0)).toEqual(days)
    expect(await counted()).toBe(5)

    const erased = await eraseUser(pool, 'ann')
    expect(erased).toMatchObject(expected)
    expect(erased.days.filter(({ rows }) => rows > 0)).toEqual(days)
    expect((await pool.query('SELECT user_id FROM throughline.operations ORDER BY 1')).rows).toEqual([
      { user_id: 'bob' },
      { user_id: null },
    ])
    expect(await counted()).toBe(2)
    expect(await usersSeen()).toEqual(['bob'])
    expect(await textOfSums()).not.toContain('ann')
    await rollUp(pool)
    expect(await counted()).toBe(2)
    expect(await usersSeen()).toEqual(['bob'])
    expect(await erasedRows(pool, window)).toBe(3)
    expect(await eraseUser(pool, 'ann')).toMatchObject({ rows: 0, days: [] })
  })

  test('a day that had no other rows loses its sums, too', async () => {
    await createWriter(pool).write([
      daysAgo(2, { userId: 'ann', business: '[{"name": "business.sold", "labels": {}, "value": "12.50"}]' }),
    ])
    await rollUp(pool)
    await eraseUser(pool, 'ann')
    expect(await counted()).toBe(0)
    await rollUp(pool)
    expect(await counted()).toBe(0)
    for (const table of ['operations', 'business', 'users', 'version_values'])
      expect((await pool.query(`SELECT * FROM throughline.rollup_${table}`)).rows, table).toEqual([])
  })

  test('where the rows are gone, the sums stay and forget who it was', async () => {
    await createWriter(pool).write([
      daysAgo(40, { userId: 'ann' }),
      daysAgo(40, { userId: 'bob' }),
      daysAgo(41, { userId: 'ann' }),
    ])
    await rollUp(pool)
    expect((await applyRetention(database.url, { retentionDays: 30 })).dropped).toHaveLength(2)
    const found = await recordsOfUser(pool, 'ann')
    expect(found.rows).toBe(0)
    expect(found.days.length).toBeGreaterThanOrEqual(2)
    await eraseUser(pool, 'ann')
    await rollUp(pool)
    expect(await counted()).toBe(3)
    expect(await usersSeen()).toEqual(['bob'])
    expect(await textOfSums()).not.toContain('ann')
    expect((await recordsOfUser(pool, 'ann')).days).toEqual([])
  })

  test('takes what is parked and what waits for a transaction, whichever way it says the user', async () => {
    const row = anOperationRow({ userId: 'ann' })
    const span = { span: { attributes: { 'user.id': 7 } }, resource: {} }
    await createWriter(pool).write(
      [],
      [
        { reason: 'r', sqlState: null, body: deadLetterBody(row) },
        { reason: 'r', sqlState: null, body: JSON.stringify(span) },
        { reason: 'r', sqlState: null, body: '{"row": {"userId": "a\\u0000"}}' },
        { reason: 'r', sqlState: null, body: 'no JSON' },
      ],
    )
    await createWriter(pool).write([{ ...anOperationRow({ userId: 'ann' }), inTx: true }])
    expect(await recordsOfUser(pool, 'ann')).toMatchObject({ rows: 0, parked: 1, copies: 1 })
    expect(await eraseUser(pool, 'ann')).toMatchObject({ rows: 0, parked: 1, copies: 1 })
    expect(await eraseUser(pool, '7')).toMatchObject({ parked: 1, copies: 0 })
    const left = await pool.query('SELECT count(*)::int AS n FROM throughline.dead_letter')
    expect(left.rows).toEqual([{ n: 2 }])
    expect((await pool.query('SELECT * FROM throughline.in_tx')).rows).toEqual([])
  })

  test('a row of recordIn goes with its waiting copy, which would bring it back otherwise', async () => {
    const row = anOperationRow({ userId: 'ann', seq: null })
    await createWriter(pool).write([row])
    await createWriter(pool).write([{ ...row, userId: null, seq: 5n, inTx: true }])
    await eraseUser(pool, 'ann')
    await pool.query(`SELECT throughline.settle_in_tx('0 s', 10)`)
    expect((await pool.query('SELECT * FROM throughline.operations')).rows).toEqual([])
  })

  test('the account of an instance still balances: what was erased is a number of its own', async () => {
    const instance = randomUUID()
    const rows = [1n, 2n, 3n].map((seq) =>
      anOperationRow({ instance, seq, userId: seq === 2n ? 'ann' : 'bob' }),
    )
    const parked = anOperationRow({ instance, seq: 4n, userId: 'ann' })
    await createWriter(pool).write(rows, [
      { reason: 'r', sqlState: null, body: deadLetterBody(parked), instance, seq: 4n },
    ])
    await eraseUser(pool, 'ann')
    const audits = await auditInstances(pool, { from: new Date(today - dayMs), to: new Date(today + dayMs) })
    expect(audits).toMatchObject([{ covered: [[1n, 4n]], rows: 2n, parked: 0n, erased: 2n }])
  })

  test('the log says how much, when and by which role, and not who it was', async () => {
    await createWriter(pool).write([daysAgo(0, { userId: 'ann-4711' })])
    const { id } = await eraseUser(pool, 'ann-4711')
    const { rows } = await pool.query('SELECT * FROM throughline.erased')
    expect(rows).toMatchObject([
      { erasure: id, kind: 'row', operation_service: 'Billing', operation: 'charge', records: '1' },
    ])
    expect(JSON.stringify(rows)).not.toContain('ann-4711')
  })

  test('frozen reports over these days are named, and stay', async () => {
    const report = { period: { from: new Date(today - 5 * dayMs), until: new Date(today) } }
    await pool.query(
      `INSERT INTO throughline.value_reports (revision, model, period, model_sha256, model_text, report)
       VALUES (1, 'shop', 'a', '', '', $1), (1, 'shop', 'b', '', '', $2)`,
      [report, { period: { from: new Date(0), until: new Date(dayMs) } }],
    )
    await createWriter(pool).write([daysAgo(1, { userId: 'ann' })])
    expect((await eraseUser(pool, 'ann')).frozen).toEqual([{ model: 'shop', period: 'a', revision: 1 }])
  })

  test('a name that is cut in the rows is found by its whole', async () => {
    const name = 'é'.repeat(300)
    await createWriter(pool).write([daysAgo(0, { userId: name })])
    expect(await eraseUser(pool, name)).toMatchObject({ rows: 1 })
  })

  test('while writers go on nothing of others is lost, and the sums are those of the rows', async () => {
    let writing = true
    const writer = createWriter(pool)
    const written = (async () => {
      let n = 0
      for (; writing; n += 1)
        await writer.write([daysAgo(0, { userId: 'bob' }), daysAgo(0, { userId: 'ann' })])
      return n
    })()
    const summing = (async () => {
      while (writing) await rollUp(pool)
    })()
    for (let round = 0; round < 5; round += 1) await eraseUser(pool, 'ann')
    writing = false
    const rounds = await written
    await summing
    await eraseUser(pool, 'ann')
    await rollUp(pool)
    expect(rounds).toBeGreaterThan(0)
    expect(await counted()).toBe(rounds)
    expect(await usersSeen()).toEqual(['bob'])
  })

  test('only a member of the owner may: a writer and a reader are refused, a reader may look', async () => {
    await createWriter(pool).write([daysAgo(0, { userId: 'ann' })])
    const admin = new pg.Client({ connectionString: database.url })
    await admin.connect()
    const as = async <T>(group: string, work: (own: pg.Pool) => Promise<T>): Promise<T> => {
      const name = `erase_${randomUUID().replaceAll('-', '').slice(0, 8)}`
      await admin.query(`CREATE ROLE ${name} LOGIN PASSWORD 'secret' IN ROLE ${group}`)
      const url = new URL(database.url)
      url.username = name
      url.password = 'secret'
      const own = createPool(url.href)
      return work(own).finally(() => own.end())
    }
    for (const group of ['throughline_writer', 'throughline_reader'])
      await as(group, async (own) => {
        expect(await recordsOfUser(own, 'ann')).toMatchObject({ rows: 1 })
        await expect(eraseUser(own, 'ann')).rejects.toMatchObject({ code: '42501' })
        await expect(own.query('SELECT * FROM throughline.erased')).rejects.toMatchObject({ code: '42501' })
        expect(await erasedRows(own, window)).toBe(0)
      })
    expect(await as('throughline_owner', (own) => eraseUser(own, 'ann'))).toMatchObject({ rows: 1 })
    await admin.end()
  })
})
