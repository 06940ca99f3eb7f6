// Reading it back: one correlation ID among all rows, and the percentiles of a day. Ratios of statements on the same rows, interleaved.
import { createPool, migrate } from '@throughline/postgres'
import { readOperations, rollUp } from '@throughline/postgres/rollups'
import { median } from './harness/compare.mjs'
import { fillOperations } from './harness/operations.mjs'
import { withPostgres } from './harness/postgres.mjs'

export const title = 'Reading'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const partitions = 30

export function run({ rows = 2_000_000, rounds = 7, onProgress }) {
  return withPostgres(async (url) => {
    await migrate(url)
    const pool = createPool(url, { statementTimeoutMs: 1_800_000 })
    try {
      const lookup = await lookups(pool, rows, onProgress)
      await pool.query('TRUNCATE throughline.operations, throughline.rollup_marks')
      const day = await percentiles(pool, rows, rounds, onProgress)
      return { rows: [...lookup.rows, ...day.rows], cases: { ...lookup.cases, ...day.cases } }
    } finally {
      await pool.end()
    }
  })
}

async function lookups(pool, count, onProgress) {
  const until = Math.floor(Date.now() / dayMs) * dayMs + dayMs
  const from = until - partitions * dayMs
  await fillOperations(pool, { from, until, count, onProgress })
  onProgress('lookups')
  const client = await pool.connect()
  const sample = await client.query(
    `SELECT started_at::text, trace_id, span_id, correlation_id FROM throughline.operations TABLESAMPLE SYSTEM (1) ORDER BY random() LIMIT 3000`,
  )
  const texts = {
    correlation: 'SELECT * FROM throughline.operations WHERE correlation_id = $1 ORDER BY started_at',
    key: 'SELECT * FROM throughline.operations WHERE started_at = $1 AND trace_id = $2 AND span_id = $3',
  }
  const timesMs = { correlation: [], key: [] }
  for (const [at, row] of sample.rows.entries()) {
    const values = {
      correlation: [row.correlation_id],
      key: [row.started_at, row.trace_id, row.span_id],
    }
    for (const name of ['correlation', 'key']) {
      const before = performance.now()
      const found = await client.query({ name, text: texts[name], values: values[name] })
      if (found.rowCount !== (name === 'key' ? 1 : 5)) throw new Error(`${found.rowCount} rows by ${name}`)
      // Plans are made and caches filled in the first tenth.
      if (at >= sample.rows.length / 10) timesMs[name].push(performance.now() - before)
    }
  }
  client.release()
  const [ours, theirs] = [quantile(timesMs.correlation, 0.95), quantile(timesMs.key, 0.95)]
  const size = millions(count)
  return {
    rows: [
      {
        name: `one correlation ID among ${size} rows in ${partitions} daily partitions, p95, against a lookup by the whole key`,
        unit: 'ms',
        ours,
        theirs,
        ratio: ours / theirs,
        target: 3,
        gate: Math.max(3, 5 / theirs),
        why: 'or 5 ms, here as a ratio',
      },
    ],
    cases: {
      [`correlation ID, ${size} rows, median and p5 to p95`]: spread(timesMs.correlation),
      [`whole key, ${size} rows, median and p5 to p95`]: spread(timesMs.key),
    },
  }
}

async function percentiles(pool, count, rounds, onProgress) {
  // Neither end at an hour: such a window is made of hours, of minutes at both ends, and of rows at the latest.
  const until = Math.floor(Date.now() / hourMs) * hourMs - 23 * 60_000
  const from = until - dayMs
  await fillOperations(pool, { from, until, count, onProgress })
  onProgress('sums')
  await pool.query(
    `INSERT INTO throughline.rollup_marks (start) SELECT generate_series(throughline.minute_of($1), $2::timestamptz - interval '1 minute', '1 minute')`,
    [new Date(from), new Date(until)],
  )
  const before = performance.now()
  await rollUp(pool)
  const summedMs = performance.now() - before
  await pool.query('SELECT throughline.mark_dirty($1)', [new Date(until - 60_000)])
  await pool.query('VACUUM (ANALYZE) throughline.rollup_operations, throughline.rollup_marks')

  const window = { from: new Date(from), until: new Date(until) }
  const questions = {
    'everything, 24 h': {},
    'one service, 24 h': { service: 'service-7' },
    'one service, last hour': { service: 'service-7', from: new Date(until - hourMs) },
    'everything, 24 h in steps of 5 minutes': { stepMs: 300_000 },
  }
  const times = {}
  let error = 0
  for (const [name, query] of Object.entries(questions)) {
    const summed = []
    const fromRows = []
    for (let round = 0; round <= rounds; round += 1) {
      onProgress(`${name} (${round}/${rounds})`)
      const begin = performance.now()
      const answer = await readOperations(pool, { ...window, ...query })
      const middle = performance.now()
      const raw = await percentileCont(pool, { ...window, ...query })
      const end = performance.now()
      error = Math.max(error, compareAnswers(answer.figures, raw))
      if (round === 0) continue
      summed.push(middle - begin)
      fromRows.push(end - middle)
    }
    times[name] = { summed, fromRows, ratio: median(summed.map((one, at) => one / fromRows[at])) }
  }
  const size = millions(count)
  const budgets = { 'everything, 24 h': { target: 0.08, gate: 0.08 } }
  return {
    rows: [
      ...Object.entries(times).map(([name, { summed, fromRows, ratio }]) => ({
        name: `percentiles, success rate and errors from sums, against \`percentile_cont\` on ${size} rows of 24 h: ${name}`,
        unit: 'ms',
        ours: median(summed),
        theirs: median(fromRows),
        ratio,
        ...budgets[name],
      })),
      {
        name: 'largest difference of p50, p95 or p99 in all of these answers, against 1.1 %',
        unit: '%',
        ours: error * 100,
        theirs: 1.1,
        ratio: (error * 100) / 1.1,
        target: 1,
        gate: 1,
      },
    ],
    cases: {
      ...Object.fromEntries(
        Object.entries(times).flatMap(([name, { summed, fromRows }]) => [
          [`${name}, from sums`, spread(summed, 0, 1)],
          [`${name}, from rows`, spread(fromRows, 0, 1)],
        ]),
      ),
      [`summing up, of each of ${size} rows`]: {
        unit: 'µs',
        value: (summedMs * 1_000) / count,
        range: [(summedMs * 1_000) / count, (summedMs * 1_000) / count],
      },
    },
  }
}

async function percentileCont(pool, { from, until, service, stepMs }) {
  const step =
    stepMs === undefined
      ? '$1::timestamptz'
      : `date_bin(${stepMs} * interval '1 ms', started_at, '2000-01-01 00:00:00+00')`
  const { rows } = await pool.query(
    `SELECT ${step} AS start, count(*)::int AS count, count(*) FILTER (WHERE NOT success)::int AS failures,
       percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY duration_us) AS percentiles
     FROM throughline.operations WHERE started_at >= $1 AND started_at < $2 ${service === undefined ? '' : 'AND service = $3'}
     GROUP BY 1 ORDER BY 1`,
    service === undefined ? [from, until] : [from, until, service],
  )
  return rows
}

/** The largest relative difference of a percentile; counts must be the same. */
function compareAnswers(figures, raw) {
  if (figures.length !== raw.length)
    throw new Error(`${figures.length} steps from sums, ${raw.length} from rows`)
  return Math.max(
    ...figures.flatMap((one, at) => {
      const other = raw[at]
      if (one.count !== other.count || one.failures !== other.failures)
        throw new Error(`${one.count} operations from sums, ${other.count} from rows`)
      return [one.p50Ms, one.p95Ms, one.p99Ms].map((value, p) =>
        Math.abs((value * 1_000) / other.percentiles[p] - 1),
      )
    }),
  )
}

function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}

function spread(values, low = 0.05, high = 0.95) {
  return { unit: 'ms', value: median(values), range: [quantile(values, low), quantile(values, high)] }
}

function millions(count) {
  return `${count / 1_000_000} million`
}
