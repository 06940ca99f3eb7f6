import fc from 'fast-check'
import type pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../../tests/support/postgres.js'
import { aRow, at, clear, dayMs, expectTheRows, firstDay, makeKept } from '../../testing/rollups.js'
import { createPool, createWriter, migrate, type OperationRow } from '../index.js'
import { rollUp } from '../rollups.js'

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

const write = (rows: readonly OperationRow[]) => createWriter(pool).write(rows)
const marks = async (): Promise<number> =>
  (await pool.query('SELECT count(*)::int AS n FROM throughline.rollup_marks')).rows[0].n

/** As the retention does, with DELETE in place of a dropped partition. What comes for that day later counts no more. */
const dropFirstDay = async (): Promise<void> => {
  const end = new Date(firstDay + dayMs)
  const floor = await pool.query('SELECT floor >= $1 AS closed FROM throughline.rollup_floor', [end])
  if (floor.rows[0].closed) return
  const day = new Date(firstDay).toISOString().slice(0, 10)
  const closed = await pool.query('SELECT throughline.close_rollup_day($1) AS closed', [day])
  if (!closed.rows[0].closed) return
  await pool.query('INSERT INTO kept SELECT * FROM throughline.operations WHERE started_at < $1', [end])
  await pool.query('DELETE FROM throughline.operations WHERE started_at < $1', [end])
}

const names = fc.constantFrom('a', 'b"c', 'é,(')

// Few minutes of few hours, so that histories meet.
const anOperation = fc
  .record({
    minute: fc.integer({ min: 0, max: 2 }),
    hour: fc.constantFrom(0, 1, 23, 24, 25, 47),
    us: fc.bigInt({ min: 0n, max: 59_999_999n }),
    service: names,
    version: fc.option(names),
    operation: names,
    user: fc.option(fc.constantFrom('u1', 'u2', 'u,3')),
    duration: fc.oneof(fc.bigInt({ min: 0n, max: 5n }), fc.bigInt({ min: 0n, max: 10n ** 13n })),
    success: fc.boolean(),
    error: fc.option(names),
    value: fc.option(fc.integer({ min: -99_999, max: 99_999 })),
    kind: fc.constantFrom({}, { kind: 'gauge' }, { kind: 'histogram', count: 2 }),
  })
  .map(
    (one): OperationRow =>
      aRow({
        startedAtUs: at(one.hour * 3_600_000 + one.minute * 60_000) + one.us,
        service: one.service,
        serviceVersion: one.version,
        operation: one.operation,
        userId: one.user,
        durationUs: one.duration,
        success: one.success,
        errorType: one.error,
        business: businessOf(one),
      }),
  )

const businessOf = (one: {
  service: string
  operation: string
  value: number | null
  kind: object
}): string | null =>
  one.value === null
    ? null
    : JSON.stringify([
        {
          name: `business.${one.service}`,
          labels: { site: one.operation },
          value: (one.value / 100).toFixed(2),
          ...one.kind,
        },
      ])

type Action =
  | { does: 'write'; rows: OperationRow[] }
  | { does: 'replay'; share: number }
  | { does: 'rollUp'; workers: number }
  | { does: 'retention' }
  | { does: 'read' }

const anAction: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      does: fc.constant('write' as const),
      rows: fc.array(anOperation, { minLength: 1, maxLength: 12 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constant('replay' as const),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constant('rollUp' as const),
      workers: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('retention' as const) }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('read' as const) }) },
)

// What is at once with the action before it is not awaited: writers, replays, workers and readers run side by side.
const aHistory = fc.array(fc.record({ action: anAction, atOnce: fc.boolean() }), {
  minLength: 2,
  maxLength: 12,
})

test('after any history of late, repeated, replayed, dropped and concurrent data the figures are those of the rows', async () => {
  const run = async (steps: { action: Action; atOnce: boolean }[]): Promise<void> => {
    const known: OperationRow[] = []
    let running: Promise<unknown>[] = []
    const settle = async (): Promise<void> => {
      await Promise.all(running)
      running = []
    }
    for (const { action, atOnce } of steps) {
      if (!atOnce || action.does === 'retention') await settle()
      if (action.does === 'write') {
        known.push(...action.rows)
        running.push(write(action.rows))
      } else if (action.does === 'replay') {
        running.push(write(known.slice(Math.floor(known.length * action.share))))
      } else if (action.does === 'rollUp') {
        for (let n = 0; n < action.workers; n += 1) running.push(rollUp(pool))
      } else if (action.does === 'retention') await dropFirstDay()
      else running.push(expectTheRows(pool))
    }
    await settle()
    await expectTheRows(pool)
    await rollUp(pool)
    expect(await marks()).toBe(0)
    await expectTheRows(pool)
  }
  await fc.assert(
    fc.asyncProperty(aHistory, run).afterEach(() => clear(pool)),
    { numRuns: 25, interruptAfterTimeLimit: 60_000 },
  )
}, 120_000)
