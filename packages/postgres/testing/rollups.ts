import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { expect } from 'vitest'
import type { OperationRow } from '../src/index.js'
import { readBusiness, readOperations, readUsers } from '../src/rollups.js'

/** Yesterday and the day before: whole days, whatever the time of the test. */
export const dayMs = 86_400_000
export const today = Math.floor(Date.now() / dayMs) * dayMs
export const firstDay = today - 2 * dayMs

export const aRow = (changes: Partial<OperationRow> = {}): OperationRow => ({
  startedAtUs: BigInt(firstDay) * 1000n,
  traceId: randomBytes(16).toString('hex'),
  spanId: randomBytes(8).toString('hex'),
  parentSpanId: null,
  correlationId: 'order-4711',
  service: 'billing',
  serviceVersion: null,
  operationService: 'Billing',
  operation: 'charge',
  userId: null,
  durationUs: 1_500n,
  success: true,
  errorType: null,
  errorMessage: null,
  errorStack: null,
  metadata: null,
  business: null,
  instance: null,
  seq: null,
  ...changes,
})

export const at = (ms: number): bigint => BigInt(firstDay + ms) * 1000n

/** Gone rows that still count: what the retention dropped after it was summed up. */
export const makeKept = async (pool: pg.Pool): Promise<void> => {
  await pool.query('CREATE TABLE kept (LIKE throughline.operations)')
  await pool.query(`CREATE VIEW counted AS SELECT * FROM kept UNION ALL
    SELECT * FROM throughline.operations WHERE started_at >= (SELECT floor FROM throughline.rollup_floor)`)
}

export const clear = async (pool: pg.Pool): Promise<void> => {
  await pool.query(
    `TRUNCATE kept, throughline.operations, throughline.rollup_marks, throughline.rollup_operations,
     throughline.rollup_business, throughline.rollup_users`,
  )
  await pool.query(`UPDATE throughline.rollup_floor SET floor = '-infinity'`)
}

/** The same figures from the rows alone, in the plainest SQL. */
const fromRows = async (db: pg.PoolClient, from: Date, until: Date, stepMinutes: number) => {
  const window = [from, until]
  const step = `date_bin(${stepMinutes} * interval '1 minute', started_at, '2000-01-01 00:00:00+00')`
  const operations = await db.query(
    `SELECT ${step} AS start, service, coalesce(service_version, '') AS version, operation_service, operation,
      count(*)::int AS count, count(*) FILTER (WHERE NOT success)::int AS failures,
      sum(duration_us)::float8 AS sum, min(duration_us)::float8 AS min, max(duration_us)::float8 AS max,
      percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY duration_us) AS percentiles,
      coalesce(array_agg(coalesce(error_type, '')) FILTER (WHERE NOT success), '{}') AS errors
     FROM counted WHERE started_at >= $1 AND started_at < $2 GROUP BY 1, 2, 3, 4, 5`,
    window,
  )
  const business = await db.query(
    `SELECT ${step} AS start, e->>'name' AS name, e->'labels' AS labels, coalesce(e->>'kind', 'sum') AS kind, sum((e->>'value')::numeric)::float8 AS sum,
      count(*)::int AS entries, coalesce(sum((e->>'count')::int), 0)::int AS observations
     FROM counted, jsonb_array_elements(business) AS e
     WHERE started_at >= $1 AND started_at < $2 AND coalesce(e->>'kind', 'sum') <> 'gauge' GROUP BY 1, 2, 3, 4`,
    window,
  )
  const users = await db.query(
    `SELECT ${step} AS start, count(DISTINCT user_id)::int AS users, count(*)::int AS count
     FROM counted WHERE started_at >= $1 AND started_at < $2 AND user_id IS NOT NULL GROUP BY 1 ORDER BY 1`,
    window,
  )
  return { operations: operations.rows, business: business.rows, users: users.rows }
}

const sorted = (values: string[]): string[] => values.sort()
const tally = (errors: string[]): Record<string, number> =>
  Object.fromEntries([...new Set(errors)].map((one) => [one, errors.filter((other) => other === one).length]))

const expectSameAsRows = async (
  db: pg.PoolClient,
  from: Date,
  until: Date,
  stepMinutes: number,
): Promise<void> => {
  const window = { from, until, stepMs: stepMinutes * 60_000, limit: 100_000 }
  const expected = await fromRows(db, from, until, stepMinutes)
  const read = await readOperations(db, { ...window, by: ['service', 'version', 'operation'] })
  const key = (...parts: unknown[]): string => JSON.stringify(parts)
  const figures = new Map(
    read.figures.map((one) => [
      key(one.start, one.service, one.version ?? '', one.operationService, one.operation),
      one,
    ]),
  )
  expect(sorted([...figures.keys()])).toEqual(
    sorted(
      expected.operations.map((row) =>
        key(row.start, row.service, row.version, row.operation_service, row.operation),
      ),
    ),
  )
  for (const row of expected.operations) {
    const one = figures.get(key(row.start, row.service, row.version, row.operation_service, row.operation))!
    expect([one.count, one.failures, one.histogram.minUs, one.histogram.maxUs]).toEqual([
      row.count,
      row.failures,
      row.min,
      row.max,
    ])
    expect(one.averageMs).toBeCloseTo(row.sum / row.count / 1000, 6)
    expect(Object.fromEntries(one.errors.map(({ type, count }) => [type ?? '', count]))).toEqual(
      tally(row.errors),
    )
    for (const [index, value] of [one.p50Ms, one.p95Ms, one.p99Ms].entries())
      expect(Math.abs(value * 1000 - row.percentiles[index])).toBeLessThanOrEqual(
        row.percentiles[index] * 0.0109,
      )
  }
  const business = await readBusiness(db, window)
  const sumKey = (row: { start: Date; name: string; kind: string; labels: object }): string =>
    key(row.start, row.name, row.kind, row.labels)
  expect(
    sorted(business.sums.map((one) => key(sumKey(one), Number(one.sum), one.entries, one.observations))),
  ).toEqual(sorted(expected.business.map((row) => key(sumKey(row), row.sum, row.entries, row.observations))))
  const users = await readUsers(db, window)
  expect(users.steps.map(({ start, users, count }) => ({ start, users, count }))).toEqual(expected.users)
}

/**
 * Every read answers what the rows say, over the whole window and in steps. In one snapshot, so that writers and
 * workers may be at it.
 */
export const expectTheRows = async (pool: pg.Pool): Promise<void> => {
  const client = await pool.connect()
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const [from, until] = [new Date(firstDay), new Date(today)]
    for (const minutes of [2 * 1440, 1440, 60]) await expectSameAsRows(client, from, until, minutes)
    // Both ends in the middle of an hour.
    const [later, sooner] = [firstDay + 47 * 60_000, firstDay + 25 * 3_600_000 + 120_000]
    await expectSameAsRows(client, new Date(later), new Date(sooner), 5)
  } finally {
    await client.query('ROLLBACK')
    client.release()
  }
}
