import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { expect } from 'vitest'
import type { OperationRow } from '../src/index.js'
import { readVersionSums, readVersionValues } from '../src/reading.js'
import {
  createKinds,
  mergeFigures,
  type OperationFigures,
  querySplits,
  readBusiness,
  readOperations,
  readUsers,
} from '../src/rollups.js'

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
     throughline.rollup_business, throughline.rollup_version_values, throughline.rollup_users,
     throughline.rollup_jobs, throughline.rollup_job_spans, throughline.rollup_job_checks`,
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

const boundsUs = [1_000, 50_000, 1_000_000]
// The same one for all reads: what it keeps must be right however much has come since.
const kinds = createKinds(boundsUs)

/** Steps and operations asked for together are what they are alone, and the steps together are the whole. */
const expectTheSameTogether = async (db: pg.PoolClient, from: Date, until: Date): Promise<void> => {
  const window = { from, until }
  const steps = { stepMs: 900_000, limit: 10_000 }
  const named = { by: ['service', 'operation'] as const, limit: 3 }
  const [inSteps, byName] = (await querySplits(db, window, [steps, named]))()
  expect(inSteps).toEqual(await readOperations(db, { ...window, ...steps }))
  expect(byName).toEqual(await readOperations(db, { ...window, ...named }))
  const shown = (one: OperationFigures | undefined) =>
    one && { ...one, start: null, averageMs: one.averageMs.toPrecision(12) }
  const whole = (await readOperations(db, window)).figures[0]
  expect(shown(mergeFigures(inSteps!.figures))).toEqual(shown(whole))
}

const expectTheKinds = async (db: pg.PoolClient, from: Date, until: Date): Promise<void> => {
  const { rows } = await db.query(
    `SELECT service, operation_service AS "operationService", operation, count(*)::int AS count,
      count(*) FILTER (WHERE NOT success)::int AS failures, sum(duration_us)::float8 AS "sumUs",
      array_agg(duration_us::float8) AS durations
     FROM counted WHERE started_at >= $1 AND started_at < $2 GROUP BY 1, 2, 3 ORDER BY count(*) DESC, service COLLATE "C", operation_service COLLATE "C", operation COLLATE "C"`,
    [from, until],
  )
  const read = await kinds.read(db, { from, until })
  expect(read.map(({ counts: _, ...one }) => one)).toEqual(rows.map(({ durations: _, ...one }) => one))
  for (const [at, { counts }] of read.entries())
    for (const [index, bound] of boundsUs.entries()) {
      const below = counts.slice(0, index + 1).reduce((sum, count) => sum + count, 0)
      const within = (us: number): number =>
        rows[at].durations.filter((duration: number) => duration <= us).length
      expect(below).toBeGreaterThanOrEqual(within(bound / 1.0219))
      expect(below).toBeLessThanOrEqual(within(bound * 1.0219))
    }
}

const expectTheVersions = async (db: pg.PoolClient, from: Date, until: Date): Promise<void> => {
  const long = until.getTime() - from.getTime() > 25 * 3_600_000
  const log = 'ln(greatest(duration_us, 1)::float8)'
  for (const filter of [{}, { service: 'a' }, { operation: 'a' }]) {
    const condition = Object.entries(filter)
      .map(([name, value]) => `AND ${name} = '${value}'`)
      .join(' ')
    const { rows } = await db.query(
      `SELECT nullif(version, '') AS version, sum(n)::float8 AS count, sum(f)::float8 AS failures, count(*)::float8 AS steps,
        sum(f * f)::float8 AS "failuresSquared", sum(f * n)::float8 AS "failuresTimesCount", sum(n * n)::float8 AS "countSquared",
        sum((n - f) ^ 2)::float8 AS "successesSquared", sum(l) AS "logSum", sum(l2) AS "logSquares", sum(l * l) AS "logSumSquared",
        sum(l * (n - f)) AS "logSumTimesCount"
       FROM (
        SELECT coalesce(service_version, '') AS version, count(*) AS n, count(*) FILTER (WHERE NOT success) AS f,
          coalesce(sum(${log}) FILTER (WHERE success), 0) AS l, coalesce(sum(${log} ^ 2) FILTER (WHERE success), 0) AS l2
        FROM counted WHERE started_at >= $1 AND started_at < $2 ${condition}
        GROUP BY 1, date_bin(${long ? 5 : 1} * interval '1 minute', started_at, '2000-01-01 00:00:00+00')
       ) AS step GROUP BY version`,
      [from, until],
    )
    const read = await readVersionSums(db, { from, until, ...filter })
    expect(sorted(read.map(({ version }) => `${version}`))).toEqual(
      sorted(rows.map(({ version }) => `${version}`)),
    )
    for (const row of rows) {
      const one = read.find(({ version }) => version === row.version)!
      for (const [name, value] of Object.entries(row))
        if (typeof value === 'number') expect(one[name as 'count'], name).toBeCloseTo(value, 4)
    }
    const values = await readVersionValues(db, {
      from,
      until,
      ...filter,
      versions: read.map(({ version }) => version),
    })
    const expected = await db.query(
      `SELECT nullif(coalesce(service_version, ''), '') AS version, e->>'name' AS name, sum((e->>'value')::float8) AS sum,
        sum((e->>'value')::float8 ^ 2) AS squares
       FROM counted, jsonb_array_elements(business) AS e WHERE started_at >= $1 AND started_at < $2 ${condition} AND success AND e->>'kind' IS NULL
       GROUP BY 1, 2`,
      [from, until],
    )
    const text = (one: { version: string | null; name: string; sum: number; squares: number }): string =>
      [one.version, one.name, one.sum.toFixed(3), one.squares.toFixed(3)].join(' ')
    expect(sorted(values.map(text))).toEqual(sorted(expected.rows.map(text)))
  }
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
    for (const window of [
      [from, until],
      [new Date(later), new Date(sooner)],
      [new Date(later), new Date(later + 20 * 3_600_000)],
    ] as const) {
      await expectTheSameTogether(client, ...window)
      await expectTheKinds(client, ...window)
      await expectTheVersions(client, ...window)
    }
  } finally {
    await client.query('ROLLBACK')
    client.release()
  }
}
