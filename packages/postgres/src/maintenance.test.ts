import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { anOperationRow } from '../../../tests/support/operation-rows.js'
import { type TestDatabase, testDatabase } from '../../../tests/support/postgres.js'
import { deliveredRanges } from './delivered.js'
import { createPool, createWriter, ensurePartitions, migrate } from './index.js'
import { addReferenceIndexes } from './indexes.js'
import { applyRetention, mergeDelivered } from './maintenance.js'
import { rollUp } from './rollups.js'

const dayMs = 86_400_000
const dayUs = BigInt(dayMs) * 1000n
const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

describe('maintenance', () => {
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
    await pool.query('TRUNCATE throughline.operations, throughline.delivered, throughline.instances')
    await ensurePartitions(pool)
  })

  const daysAgo = (days: number) =>
    anOperationRow({ startedAtUs: BigInt(Date.now()) * 1000n - BigInt(days) * dayUs })
  const stored = async (): Promise<number> =>
    (await pool.query('SELECT count(*)::int AS n FROM throughline.operations')).rows[0].n

  test('days beyond the retention are dropped once they are summed up, the others and one day of grace stay', async () => {
    const now = Date.now()
    await createWriter(pool).write([daysAgo(0), daysAgo(29), daysAgo(30), daysAgo(32), daysAgo(40)])
    expect(await applyRetention(database.url, { retentionDays: 30 })).toMatchObject({
      waiting: 'rollups',
      dropped: [],
    })
    await rollUp(pool)
    const result = await applyRetention(database.url, { retentionDays: 30 })
    expect(result).toMatchObject({
      waiting: null,
      dropped: [dayOf(now - 40 * dayMs), dayOf(now - 32 * dayMs)],
    })
    expect(await stored()).toBe(3)
    expect(await applyRetention(database.url, { retentionDays: 30 })).toMatchObject({ dropped: [] })
  })

  test('of jobs, when they ran and what was said of them goes with their days, and their sums stay', async () => {
    const job = JSON.stringify({ 'job.queue': 'media', 'job.type': 'video', 'job.status': 'completed' })
    const check = JSON.stringify({ 'job.queue': 'media', 'job.capacity': 4 })
    await pool.query(`UPDATE throughline.rollup_floor SET floor = '-infinity'`)
    await createWriter(pool).write(
      [0, 40].flatMap((days) => [
        { ...daysAgo(days), metadata: job },
        { ...daysAgo(days), operation: 'status_check', metadata: check },
      ]),
    )
    await rollUp(pool)
    const kept = async () =>
      (
        await pool.query(`SELECT (SELECT sum(count)::int FROM throughline.rollup_jobs WHERE level = 'h') AS jobs,
          (SELECT count(*)::int FROM throughline.rollup_job_spans) AS spans, (SELECT count(*)::int FROM throughline.rollup_job_checks) AS checks`)
      ).rows[0]
    expect(await kept()).toEqual({ jobs: 2, spans: 2, checks: 2 })
    expect((await applyRetention(database.url, { retentionDays: 30 })).dropped).toHaveLength(1)
    expect(await kept()).toEqual({ jobs: 2, spans: 1, checks: 1 })
  })

  test('a reader of an old day holds up the retention, not the writers; the next run ends it', async () => {
    await createWriter(pool).write([daysAgo(0), daysAgo(60)])
    await rollUp(pool)
    const reader = await pool.connect()
    await reader.query('BEGIN; SELECT count(*) FROM throughline.operations')
    let waiting = true
    const blocked = applyRetention(database.url, { retentionDays: 30, lockTimeoutMs: 400 }).finally(() => {
      waiting = false
    })
    const writer = createWriter(pool)
    let writes = 0
    let slowest = 0
    for (; waiting; writes += 1) {
      const began = performance.now()
      await writer.write([daysAgo(0)])
      slowest = Math.max(slowest, performance.now() - began)
    }
    expect(await blocked).toMatchObject({ waiting: 'readers', dropped: [] })
    expect(writes).toBeGreaterThan(3)
    expect(slowest).toBeLessThan(300)
    await reader.query('COMMIT')
    reader.release()
    expect((await applyRetention(database.url, { retentionDays: 30 })).dropped).toHaveLength(1)
    expect(await stored()).toBe(writes + 1)
  })

  test('of several recorders one applies the retention, the others go on', async () => {
    const holder = await pool.connect()
    await holder.query('SELECT pg_advisory_lock(7305472212)')
    expect(await applyRetention(database.url)).toMatchObject({ waiting: 'turn' })
    await holder.query('SELECT pg_advisory_unlock(7305472212)')
    holder.release()
    const results = await Promise.all([1, 2, 3].map(() => applyRetention(database.url)))
    expect(results.some((result) => result.waiting === null)).toBe(true)
  })

  test('a retention that is no number of days is refused', async () => {
    await expect(applyRetention(database.url, { retentionDays: 0 })).rejects.toMatchObject({
      code: 'TL_POSTGRES_OPTION',
    })
  })

  test('dead letters, and instances of which nothing came any more, go with their days; live ones keep all', async () => {
    const [gone, alive] = [randomUUID(), randomUUID()]
    await createWriter(pool).write(
      [anOperationRow({ instance: gone, seq: 1n }), anOperationRow({ instance: alive, seq: 1n })],
      [{ reason: 'r', sqlState: null, body: 'old' }],
    )
    await pool.query(
      `INSERT INTO throughline.instances (instance, started_at) VALUES ($1, now() - interval '60 days')`,
      [gone],
    )
    await pool.query(`UPDATE throughline.delivered SET recorded_at = now() - interval '50 days'`)
    await pool.query(`UPDATE throughline.dead_letter SET parked_at = now() - interval '50 days'`)
    await createWriter(pool).write(
      [anOperationRow({ instance: alive, seq: 3n })],
      [{ reason: 'r', sqlState: null, body: 'new' }],
    )
    expect(await applyRetention(database.url, { retentionDays: 30 })).toMatchObject({
      deadLetters: 1,
      instances: 1,
    })
    expect(await deliveredRanges(pool, gone)).toEqual([])
    expect(await deliveredRanges(pool, alive)).toEqual([
      [1n, 1n],
      [3n, 3n],
    ])
  })

  test('merging while writers write loses no number and no count', async () => {
    const writer = createWriter(pool)
    const instances = [randomUUID(), randomUUID(), randomUUID()]
    let merging = true
    const merges = (async () => {
      let saved = 0
      while (merging) saved += await mergeDelivered(pool)
      return saved
    })()
    const total = 150
    // 7 and 150 have no common divisor: every number once, out of order. One in ten comes twice.
    for (let n = 0; n < total; n += 1) {
      const seq = BigInt(((n * 7) % total) + 1)
      const rows = instances.map((instance) => anOperationRow({ instance, seq }))
      await writer.write(n % 10 === 0 ? [...rows, ...rows] : rows)
    }
    merging = false
    expect(await merges).toBeGreaterThan(0)
    await mergeDelivered(pool)
    const { rows } = await pool.query(
      'SELECT instance, lo, hi, received FROM throughline.delivered ORDER BY instance',
    )
    expect(rows).toEqual(
      instances.toSorted().map((instance) => ({ instance, lo: '1', hi: '150', received: '165' })),
    )
  })

  test('the indexes of the reference are added while writers write, new days have them too', async () => {
    await createWriter(pool).write([daysAgo(0), daysAgo(5)])
    let adding = true
    const writer = createWriter(pool)
    const writes = (async () => {
      while (adding) await writer.write([daysAgo(0)])
    })()
    const made = await addReferenceIndexes(database.url)
    adding = false
    await writes
    expect(made).toEqual(['operations_service_operation', 'operations_user_performance'])
    expect(await addReferenceIndexes(database.url)).toEqual([])
    await createWriter(pool).write([daysAgo(7)])
    const { rows } = await pool.query(
      `SELECT count(*)::int AS partitions, min(n)::int AS least, max(n)::int AS most FROM (
         SELECT i.inhrelid, (SELECT count(*) FROM pg_index WHERE indrelid = i.inhrelid AND indisvalid) AS n
         FROM pg_inherits AS i WHERE i.inhparent = 'throughline.operations'::regclass) AS each`,
    )
    expect(rows[0].partitions).toBeGreaterThanOrEqual(5)
    expect(rows[0]).toMatchObject({ least: 5, most: 5 })
  })
})
