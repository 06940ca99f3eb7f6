import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { anOperationRow } from '../../../tests/support/operation-rows.js'
import { type TestDatabase, testDatabase } from '../../../tests/support/postgres.js'
import { deliveredRanges } from './delivered.js'
import { createPool, createWriter, ensurePartitions, migrate, type OperationRow } from './index.js'

const dayUs = 86_400_000_000n

const shuffled = <T>(items: readonly T[]): T[] =>
  items
    .map((item) => ({ item, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item)

describe('several writers on one database', () => {
  let database: TestDatabase
  let pool: pg.Pool

  beforeAll(async () => {
    database = await testDatabase()
    await migrate(database.url)
    pool = createPool(database.url)
    await ensurePartitions(pool)
  })
  afterAll(async () => {
    await pool.end()
    await database.drop()
  })
  beforeEach(async () => {
    await pool.query('TRUNCATE throughline.operations, throughline.dead_letter, throughline.delivered')
  })

  const number = async (sql: string): Promise<number> =>
    Number((await pool.query(`SELECT (${sql}) AS n`)).rows[0].n)

  test('overlapping deliveries with poison, doubles and late days: every row once, no deadlock', async () => {
    const instance = randomUUID()
    const rows: OperationRow[] = Array.from({ length: 600 }, (_, n) => {
      const row = anOperationRow({ instance, seq: BigInt(n + 1) })
      if (n % 97 === 0) return { ...row, metadata: `{"n": ${n}` }
      return n % 50 === 0 ? { ...row, startedAtUs: row.startedAtUs - BigInt(10 + (n % 3)) * dayUs } : row
    })
    const poison = rows.filter((row) => row.metadata?.endsWith('}') === false).length
    const recorders = [1, 2, 3].map(() => createPool(database.url, { maxConnections: 2 }))
    const lifecycle = Array.from({ length: 8 }, () => ({
      event: 'start' as const,
      instance: randomUUID(),
      seq: null,
      atUs: 1n,
      service: 's',
      serviceVersion: null,
      environment: null,
      host: null,
      stopReason: null,
      lastSeq: null,
    }))
    let sent = 0
    try {
      await Promise.all(
        recorders.flatMap((own) => {
          const writer = createWriter(own)
          return [1, 2].map(async () => {
            for (let round = 0; round < 5; round += 1) {
              const part = shuffled(rows).slice(0, 400)
              sent += part.length
              await writer.write(part, [], shuffled(lifecycle))
            }
          })
        }),
      )
      await createWriter(recorders[0]!).write(rows)
    } finally {
      await Promise.all(recorders.map((own) => own.end()))
    }
    expect(await number('SELECT count(*) FROM throughline.operations')).toBe(rows.length - poison)
    expect(await number('SELECT count(*) FROM throughline.dead_letter')).toBe(poison)
    expect(await number('SELECT sum(received) FROM throughline.delivered')).toBe(sent + rows.length)
    expect(await deliveredRanges(pool, instance)).toEqual([[1n, 600n]])
    expect(await number('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()')).toBe(0)
  })

  test('after a redelivery was met the next batches do not fail first; a later fresh one is copied again', async () => {
    const own = createPool(database.url, { maxConnections: 1 })
    const writer = createWriter(own, { insertBatches: 8 })
    const batches = Array.from({ length: 18 }, () => Array.from({ length: 5 }, () => anOperationRow()))
    for (const batch of batches) await writer.write(batch)
    const before = await own.query(
      'SELECT pg_stat_get_db_xact_rollback(oid) AS n FROM pg_database WHERE datname = current_database()',
    )
    for (const batch of batches) expect(await writer.write(batch)).toMatchObject({ duplicates: 5 })
    await own.end()
    const rolledBack = async (): Promise<number> =>
      number(`SELECT pg_stat_get_db_xact_rollback(oid) FROM pg_database WHERE datname = current_database()`)
    // The counters of a session are sent when it ends: the first batch, the tenth and no other failed.
    await expect.poll(rolledBack, { timeout: 10_000 }).toBe(Number(before.rows[0].n) + 2)
    expect(await number('SELECT count(*) FROM throughline.operations')).toBe(90)
  })

  test('a deadlock with a stranger is met again inside the writer, its caller sees none', async () => {
    const [first, second] = [anOperationRow(), anOperationRow()].sort((a, b) =>
      a.startedAtUs < b.startedAtUs ? -1 : 1,
    ) as [OperationRow, OperationRow]
    const other = createPool(database.url, { maxConnections: 2 })
    const stranger = await pool.connect()
    const insert = (row: OperationRow) =>
      stranger.query(
        `INSERT INTO throughline.operations (started_at, trace_id, span_id, duration_us, bucket, success, correlation_id, service, operation_service, operation)
         VALUES (timestamptz 'epoch' + $1::int8 * interval '1 microsecond', $2, ('x' || $3)::bit(64)::int8, 1, 1, true, 'c', 's', 'o', 'o') ON CONFLICT DO NOTHING`,
        [row.startedAtUs, row.traceId, row.spanId],
      )
    // The stranger is the one that waits longest before it looks for a deadlock: so the writer is the one that is cut.
    await stranger.query("BEGIN; SET LOCAL deadlock_timeout = '10s'")
    await insert(second)
    const written = createWriter(other).write([first, second])
    await expect
      .poll(() => number(`SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'`))
      .toBeGreaterThan(0)
    await insert(first)
    await stranger.query('COMMIT')
    stranger.release()
    expect(await written).toMatchObject({ inserted: 0, duplicates: 2 })
    expect(await number('SELECT count(*) FROM throughline.operations')).toBe(2)
    await other.end()
  })

  test('a day that nobody made a partition for is made by whoever comes first', async () => {
    const late = BigInt(Date.now()) * 1000n - 33n * dayUs
    const results = await Promise.all(
      [1, 2, 3, 4].map(() => createWriter(pool).write([anOperationRow({ startedAtUs: late })])),
    )
    expect(results.map((result) => result.inserted)).toEqual([1, 1, 1, 1])
  })

  test('a record of tomorrow is stored, one of the day after is parked, and no date makes a partition of its own', async () => {
    const now = BigInt(Date.now()) * 1000n
    const partitions = () =>
      number(`SELECT count(*) FROM pg_inherits WHERE inhparent = 'throughline.operations'::regclass`)
    const before = await partitions()
    const result = await createWriter(pool).write([
      anOperationRow({ startedAtUs: now + dayUs - 60_000_000n }),
      ...[0n, 1n, now + 2n * dayUs, now + 4_000n * dayUs, 2n ** 62n, -1n].map((startedAtUs) =>
        anOperationRow({ startedAtUs }),
      ),
    ])
    expect(result.inserted).toBe(1)
    expect(result.deadLettered).toHaveLength(6)
    expect(await partitions()).toBe(before)
  })
})
