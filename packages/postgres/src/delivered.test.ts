import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { anOperationRow } from '../../../tests/support/operation-rows.js'
import { type TestDatabase, testDatabase } from '../../../tests/support/postgres.js'
import { deliveredRanges } from './delivered.js'
import { createPool, createWriter, ensurePartitions, type LifecycleRecord, migrate } from './index.js'
import type { OperationRow } from './operation-row.js'

const aRow = (instance: string, seq: number, changes: Partial<OperationRow> = {}): OperationRow =>
  anOperationRow({ instance, seq: BigInt(seq), ...changes })
const rowsOf = (instance: string, ...numbers: number[]): OperationRow[] =>
  numbers.map((seq) => aRow(instance, seq))

const lifecycle = (changes: Partial<LifecycleRecord>): LifecycleRecord => ({
  event: 'start',
  instance: randomUUID(),
  seq: 1n,
  atUs: 1_750_000_000_000_000n,
  service: 'billing',
  serviceVersion: '1.2.3',
  environment: 'production',
  host: 'host-a',
  stopReason: null,
  lastSeq: null,
  ...changes,
})

describe('delivered and instances', () => {
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

  const received = async (instance: string): Promise<number> => {
    const { rows } = await pool.query(
      'SELECT sum(received)::int AS n FROM throughline.delivered WHERE instance = $1',
      [instance],
    )
    return rows[0].n
  }

  test('what was committed is confirmed as ranges, whatever the order it came in', async () => {
    const instance = randomUUID()
    const writer = createWriter(pool)
    await writer.write(rowsOf(instance, 3, 2, 1, 7))
    await writer.write(rowsOf(instance, 4, 9, 8))
    expect(await deliveredRanges(pool, instance)).toEqual([
      [1n, 4n],
      [7n, 9n],
    ])
    expect(await deliveredRanges(pool, instance, { after: 4n })).toEqual([[7n, 9n]])
    expect(await deliveredRanges(pool, instance, { limit: 1 })).toEqual([[1n, 4n]])
    await writer.write(rowsOf(instance, 5, 6))
    expect(await deliveredRanges(pool, instance)).toEqual([[1n, 9n]])
    expect(await deliveredRanges(pool, randomUUID())).toEqual([])
  })

  test('rows known already, doubles and parked records count as delivered; how many came is kept', async () => {
    const instance = randomUUID()
    const writer = createWriter(pool)
    const rows = rowsOf(instance, 1, 2, 3)
    await writer.write(rows)
    await writer.write(
      [...rows, rows[0]!, aRow(instance, 4, { metadata: '{' })],
      [
        { reason: 'no name', sqlState: null, body: 'x', instance: instance.toUpperCase(), seq: 5n },
        { reason: 'no identity', sqlState: null, body: 'y' },
      ],
    )
    expect(await deliveredRanges(pool, instance)).toEqual([[1n, 5n]])
    expect(await received(instance)).toBe(3 + 4 + 2)
    const { rows: letters } = await pool.query(
      'SELECT reason, instance, seq FROM throughline.dead_letter ORDER BY seq NULLS LAST',
    )
    expect(letters).toMatchObject([
      { instance, seq: '4' },
      { reason: 'no name', instance, seq: '5' },
      { reason: 'no identity', instance: null, seq: null },
    ])
  })

  test('what fails is not confirmed', async () => {
    const instance = randomUUID()
    const impatient = createPool(database.url, { statementTimeoutMs: 200 })
    const holder = await pool.connect()
    await holder.query('BEGIN; LOCK TABLE throughline.delivered IN ACCESS EXCLUSIVE MODE')
    await expect(createWriter(impatient).write(rowsOf(instance, 1))).rejects.toMatchObject({ code: '57014' })
    await holder.query('ROLLBACK')
    holder.release()
    await impatient.end()
    expect(await deliveredRanges(pool, instance)).toEqual([])
    const { rows } = await pool.query('SELECT FROM throughline.operations WHERE instance = $1', [instance])
    expect(rows).toHaveLength(0)
  })

  test('start and stop of an instance make one row, in any order and delivered twice', async () => {
    const instance = randomUUID()
    const start = lifecycle({ instance })
    const stop = lifecycle({
      instance,
      event: 'stop',
      seq: 12n,
      atUs: start.atUs + 5_000_000n,
      stopReason: 'signal:SIGTERM',
      lastSeq: 12n,
    })
    const writer = createWriter(pool)
    const expected = {
      service: 'billing',
      version: '1.2.3',
      environment: 'production',
      host: 'host-a',
      started_at: new Date(Number(start.atUs / 1000n)),
      stopped_at: new Date(Number(stop.atUs / 1000n)),
      stop_reason: 'signal:SIGTERM',
      last_seq: '12',
    }
    for (const records of [[stop], [start], [start, stop]]) await writer.write([], [], records)
    const { rows } = await pool.query('SELECT * FROM throughline.instances WHERE instance = $1', [instance])
    expect(rows).toEqual([{ instance, ...expected }])
    expect(await deliveredRanges(pool, instance)).toEqual([
      [1n, 1n],
      [12n, 12n],
    ])
  })

  test('a lifecycle record with odd values is stored as far as it can be', async () => {
    const instance = randomUUID()
    await createWriter(pool).write(
      [],
      [],
      [
        lifecycle({
          instance,
          atUs: 2n ** 62n,
          service: 'a\0b',
          host: 'h'.repeat(600),
          lastSeq: -1n,
          seq: -3n,
        }),
      ],
    )
    const { rows } = await pool.query(
      'SELECT service, length(host) AS host, started_at, last_seq FROM throughline.instances WHERE instance = $1',
      [instance],
    )
    expect(rows).toEqual([{ service: 'a\ufffdb', host: 512, started_at: null, last_seq: null }])
    expect(await deliveredRanges(pool, instance)).toEqual([])
  })

  test('two recorders that take the lifecycle of the same instances at once do not deadlock', async () => {
    const instances = Array.from({ length: 50 }, () => randomUUID())
    const records = instances.flatMap((instance) => [
      lifecycle({ instance }),
      lifecycle({ instance, event: 'stop', seq: 2n, lastSeq: 2n }),
    ])
    for (let round = 0; round < 5; round += 1)
      await Promise.all([
        createWriter(pool).write([], [], records),
        createWriter(pool).write([], [], records.toReversed()),
      ])
    const { rows } = await pool.query(
      'SELECT count(*)::int AS n FROM throughline.instances WHERE instance = ANY ($1)',
      [instances],
    )
    expect(rows[0].n).toBe(50)
  })
})
