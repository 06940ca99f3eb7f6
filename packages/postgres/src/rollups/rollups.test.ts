import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../../tests/support/postgres.js'
import { aRow, at, clear, dayMs, expectTheRows, firstDay, makeKept, today } from '../../testing/rollups.js'
import { createPool, createWriter, migrate, type OperationRow } from '../index.js'
import { fives } from '../migrations/0010-fives.js'
import { readActiveUsers } from '../reading/value-users.js'
import { readBusiness, readOperations, readUsers, rollUp, startRollups } from '../rollups.js'
import { stepDay } from './step.js'

const range = (length: number): number[] => Array.from({ length }, (_, n) => n)

describe('rollups', () => {
  let database: TestDatabase
  let pool: pg.Pool

  beforeAll(async () => {
    database = await testDatabase()
    await migrate(database.url)
    pool = createPool(database.url, { maxConnections: 6 })
    await makeKept(pool)
  })
  afterAll(async () => {
    await pool.end()
    await database.drop()
  })
  beforeEach(async () => {
    await clear(pool)
  })

  const write = (rows: readonly OperationRow[]) => createWriter(pool).write(rows)
  const bothDays = { from: new Date(firstDay), until: new Date(today) }
  const marks = async (): Promise<number> =>
    (await pool.query('SELECT count(*)::int AS n FROM throughline.rollup_marks')).rows[0].n

  test('counts, errors, percentiles, sums and users are the same before, while and after they are summed up', async () => {
    const rows = Array.from({ length: 200 }, (_, n) =>
      aRow({
        startedAtUs: at(n * 700_000),
        userId: `user-${n % 7}`,
        durationUs: BigInt(n * n * 13),
        success: n % 5 !== 0,
        errorType: n % 5 === 0 && n % 10 === 0 ? 'NoDyno' : null,
        serviceVersion: n % 2 === 0 ? '1.2.3' : null,
        business: JSON.stringify([
          { name: 'business.value', labels: { currency: 'USD' }, value: '0.10' },
          { name: 'business.level', labels: {}, value: '7', kind: 'gauge' },
          { name: 'business.size', labels: {}, value: '2.5', kind: 'histogram', count: 3 },
        ]),
      }),
    )
    await write(rows.slice(0, 100))
    await expectTheRows(pool)
    await rollUp(pool)
    expect(await marks()).toBe(0)
    await write(rows.slice(50))
    await expectTheRows(pool)
    await rollUp(pool)
    await expectTheRows(pool)
    const { figures } = await readOperations(pool, bothDays)
    expect(figures).toMatchObject([{ count: 200, failures: 40, fromRows: 0, service: null }])
    expect((await readBusiness(pool, { ...bothDays, name: 'business.value' })).sums).toMatchObject([
      { sum: '20.00', entries: 200, kind: 'sum' },
    ])
  })

  test('a replay of what is stored already leaves nothing to sum up', async () => {
    const rows = Array.from({ length: 20 }, (_, n) => aRow({ startedAtUs: at(n * 1000) }))
    await write(rows)
    await rollUp(pool)
    await write(rows)
    expect(await marks()).toBe(0)
  })

  test('a day that was dropped keeps its sums, whatever marks come for it afterwards', async () => {
    await write([aRow(), aRow({ startedAtUs: at(dayMs + 5_000) })])
    await rollUp(pool)
    const day = new Date(firstDay).toISOString().slice(0, 10)
    expect(
      (await pool.query('SELECT throughline.close_rollup_day($1) AS closed', [day])).rows[0].closed,
    ).toBe(true)
    await pool.query('DELETE FROM throughline.operations WHERE started_at < $1', [new Date(firstDay + dayMs)])
    await write([aRow({ startedAtUs: at(60_000) })])
    expect((await readOperations(pool, bothDays)).figures).toMatchObject([{ count: 2, fromRows: 0 }])
    await rollUp(pool)
    expect(await marks()).toBe(0)
    expect((await readOperations(pool, bothDays)).figures).toMatchObject([{ count: 2 }])
  })

  test('a partition that was dropped by hand is not taken for a day without operations', async () => {
    await write([aRow(), aRow({ startedAtUs: at(90_000) })])
    await rollUp(pool)
    await pool.query('SELECT throughline.mark_dirty($1)', [new Date(firstDay)])
    await pool.query(
      `DROP TABLE throughline.operations_${new Date(firstDay).toISOString().slice(0, 10).replaceAll('-', '')}`,
    )
    await rollUp(pool)
    expect((await readOperations(pool, bothDays)).figures).toMatchObject([{ count: 2 }])
  })

  test('a day with rows that are not summed up yet is not given to the retention', async () => {
    await write([aRow()])
    const day = new Date(firstDay).toISOString().slice(0, 10)
    const close = async () =>
      (await pool.query('SELECT throughline.close_rollup_day($1) AS closed', [day])).rows[0].closed
    expect(await close()).toBe(false)
    await rollUp(pool)
    expect(await close()).toBe(true)
  })

  test('more than 20 error types: the most frequent are listed, the failures of the rest are one number', async () => {
    const rows = Array.from({ length: 25 }, (_, type) =>
      Array.from({ length: type + 1 }, () => aRow({ success: false, errorType: `Error${type}` })),
    ).flat()
    await write(rows)
    await rollUp(pool)
    const figures = (await readOperations(pool, bothDays)).figures[0]!
    expect(figures.errors).toHaveLength(20)
    expect(figures.errors[0]).toEqual({ type: 'Error24', count: 25 })
    expect(figures.otherErrors).toBe(1 + 2 + 3 + 4 + 5)
  })

  test('business values that are no decimals, or no array at all, stop nothing', async () => {
    const business = [
      '[{"name": "n", "labels": {}, "value": "1e5"}, {"name": "n", "labels": {}, "value": "NaN"}, {"name": "n", "labels": {}, "value": "2"}, 7, {"value": "1"}]',
      '{"name": "n"}',
      '"text"',
      '[{"name": "n", "labels": {}, "value": "5", "kind": "future"}]',
    ]
    await write(business.map((one) => aRow({ business: one })))
    for (const _ of ['rows', 'sums']) {
      expect((await readBusiness(pool, bothDays)).sums).toMatchObject([{ name: 'n', sum: '2', entries: 1 }])
      await rollUp(pool)
    }
  })

  test('what was summed up before five minutes and versions were kept is read right at once, and gets them', async () => {
    const rows = Array.from({ length: 80 }, (_, n) =>
      aRow({
        startedAtUs: at(n * 1_700_000),
        durationUs: BigInt(n * 977),
        serviceVersion: n % 3 === 0 ? '2' : '1',
      }),
    )
    await write(rows)
    await rollUp(pool)
    const asBefore = async () => {
      await pool.query(`DELETE FROM throughline.rollup_operations WHERE level = 'f' OR grain = 'v'`)
      await pool.query('UPDATE throughline.rollup_operations SET log_sum = NULL, log_squares = NULL')
      const marking = /INSERT INTO throughline.rollup_marks[^;]+;/.exec(fives)![0]
      await pool.query(marking)
    }
    await asBefore()
    await expectTheRows(pool)
    await rollUp(pool)
    await expectTheRows(pool)
    expect((await readOperations(pool, bothDays)).figures).toMatchObject([{ count: 80, fromRows: 0 }])
    const day = new Date(firstDay).toISOString().slice(0, 10)
    await pool.query('SELECT throughline.close_rollup_day($1)', [day])
    await pool.query('DELETE FROM throughline.operations WHERE started_at < $1', [new Date(firstDay + dayMs)])
    await asBefore()
    for (const _ of ['minutes', 'five minutes']) {
      const { figures } = await readOperations(pool, { ...bothDays, stepMs: 300_000 })
      expect(figures.reduce((sum, { count }) => sum + count, 0)).toBe(80)
      await rollUp(pool)
      expect(await marks()).toBe(0)
    }
  })

  test('different users of a month are those of its weeks and of the days at its ends, and a late row of a week counts', async () => {
    const days = 25
    const first = today - days * dayMs
    const month = { from: new Date(first), until: new Date(today) }
    await write(
      Array.from({ length: 300 }, (_, n) =>
        aRow({
          startedAtUs: BigInt(first + (n % days) * dayMs + n * 1_000) * 1000n,
          userId: `user-${(n * n) % 41}`,
          success: n % 11 !== 0,
        }),
      ),
    )
    const users = async () => {
      const { steps } = await readUsers(pool, month)
      const active = await readActiveUsers(pool, month, ['Billing'])
      return { ...steps[0], active }
    }
    const fromRows = await users()
    expect(fromRows).toMatchObject({ count: 300, users: new Set(range(300).map((n) => (n * n) % 41)).size })
    await rollUp(pool)
    expect(await marks()).toBe(0)
    expect(await users()).toEqual(fromRows)
    const weeks = await pool.query(
      `SELECT DISTINCT start FROM throughline.rollup_users WHERE level = 'w' AND start >= $1
      AND start < $2::timestamptz - interval '6 days'`,
      [month.from, month.until],
    )
    expect(weeks.rowCount).toBeGreaterThanOrEqual(2)
    expect(weeks.rows.map(({ start }) => start.getUTCDay())).toEqual(weeks.rows.map(() => 1))

    // Read from the weeks: the days within them are not needed.
    const inWeeks = `EXISTS (SELECT FROM unnest($1::timestamptz[]) AS week WHERE start >= week AND start < week + interval '7 days')`
    await pool.query(`UPDATE throughline.rollup_users SET level = 'x' WHERE level = 'd' AND ${inWeeks}`, [
      weeks.rows.map(({ start }) => start),
    ])
    expect(await users()).toEqual(fromRows)
    await pool.query(`UPDATE throughline.rollup_users SET level = 'd' WHERE level = 'x'`)

    await write([
      aRow({ startedAtUs: BigInt(weeks.rows[0].start.getTime() + 3 * dayMs) * 1000n, userId: 'late' }),
    ])
    for (const _ of ['rows', 'sums']) {
      expect(await users()).toMatchObject({ count: 301, users: fromRows.users! + 1 })
      await rollUp(pool)
    }
  })

  test("a filter names a service, a version, an operation; one user's figures come from the rows", async () => {
    await write([
      aRow({ service: 'a', serviceVersion: '1', userId: 'u' }),
      aRow({ service: 'a', operation: 'refund', userId: 'u' }),
      aRow({ service: 'b' }),
    ])
    for (const _ of ['rows', 'sums']) {
      const count = async (filter: object) =>
        (await readOperations(pool, { ...bothDays, ...filter })).figures[0]?.count ?? 0
      expect(await count({ service: 'a' })).toBe(2)
      expect(await count({ service: 'a', version: null })).toBe(1)
      expect(await count({ version: '1' })).toBe(1)
      expect(await count({ operation: 'charge' })).toBe(2)
      expect(await count({ user: 'u', service: 'a' })).toBe(2)
      expect(await count({ service: 'c' })).toBe(0)
      await rollUp(pool)
    }
  })

  test('a day that another worker has is left to it, or waited for, so that no older sums come last', async () => {
    await write([aRow()])
    const holder = await pool.connect()
    await holder.query('BEGIN')
    await holder.query('SELECT throughline.close_rollup_day($1)', [
      new Date(firstDay).toISOString().slice(0, 10),
    ])
    const step = { lagMs: null, minutes: 10 }
    expect(await stepDay(pool, new Date(firstDay), { ...step, wait: false })).toEqual({
      minutes: 0,
      fives: 0,
      hours: 0,
      days: 0,
      weeks: 0,
    })
    const waiting = stepDay(pool, new Date(firstDay), { ...step, wait: true })
    const waiters = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'`
    await expect.poll(async () => (await pool.query(waiters)).rows[0].n, { timeout: 20_000 }).toBe(1)
    await holder.query('COMMIT')
    holder.release()
    expect(await waiting).toMatchObject({ minutes: 1, fives: 1, hours: 1, days: 1 })
  })

  test('a minute is left alone until it is over, and a late row until others may have come', async () => {
    const now = BigInt(Date.now()) * 1000n
    await write([aRow({ startedAtUs: now }), aRow()])
    const worker = { minutes: 10, wait: false }
    const done = async (day: number, lagMs: number) =>
      (await stepDay(pool, new Date(day), { ...worker, lagMs })).minutes
    expect(await done(today, 0)).toBe(0)
    expect(await done(firstDay, 3_600_000)).toBe(0)
    expect(await done(firstDay, 0)).toBe(1)
    await pool.query('SELECT throughline.mark_dirty($1)', [new Date(firstDay)])
    expect(await done(firstDay, 0)).toBe(1)
  })

  test('workers started in several processes at once sum up everything and stop when told', async () => {
    const rows = Array.from({ length: 60 }, (_, n) => aRow({ startedAtUs: at(n * 2_000_000) }))
    const faults: unknown[] = []
    const options = { lagMs: 0, intervalMs: 5, onError: (error: unknown) => faults.push(error) }
    const workers = [startRollups(pool, options), startRollups(pool, options), startRollups(pool, options)]
    for (let n = 0; n < rows.length; n += 10) await write(rows.slice(n, n + 10))
    // The week of these days may not be over.
    const waiting = `SELECT count(*)::int AS n FROM throughline.rollup_marks WHERE level <> 'w'`
    await expect.poll(async () => (await pool.query(waiting)).rows[0].n, { timeout: 20_000 }).toBe(0)
    await Promise.all(workers.map((worker) => worker.stop()))
    expect(faults).toEqual([])
    await expectTheRows(pool)
    expect((await readOperations(pool, bothDays)).figures).toMatchObject([{ count: 60, fromRows: 0 }])
  })

  test('a window that is no window, or a step of half a minute, is refused', async () => {
    const refused = { code: 'TL_POSTGRES_OPTION' }
    await expect(readUsers(pool, { from: new Date(1), until: new Date(1) })).rejects.toMatchObject(refused)
    await expect(readOperations(pool, { ...bothDays, stepMs: 30_000 })).rejects.toMatchObject(refused)
    await expect(readOperations(pool, { ...bothDays, limit: 0 })).rejects.toMatchObject(refused)
    expect(() => startRollups(pool, { intervalMs: 0 })).toThrow(expect.objectContaining(refused))
  })
})
