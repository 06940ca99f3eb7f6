// Reading over HTTP: the pages of a real recorder process against the same questions in plain SQL over the same rows, interleaved; while
// rows come in. Then fifty readers beside 5,000 rows a second. Milliseconds are stated, ratios are held.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createPool, migrate } from '@throughline/postgres'
import { rollUp, startRollups } from '@throughline/postgres/rollups'
import pg from 'pg'
import { underLoad } from './harness/api-load.mjs'
import { measurePages } from './harness/api-pages.mjs'
import { json } from './harness/asked.mjs'
import { firstPaint } from './harness/first-paint.mjs'
import { fillOperations } from './harness/operations.mjs'
import { withPostgres } from './harness/postgres.mjs'
import { startRecorder } from './harness/recorder-process.mjs'

export const title = 'Reading over HTTP'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const at = (path) => fileURLToPath(new URL(path, import.meta.url))

export async function run({ rows = 2_000_000, onProgress }) {
  const month = await layout({ rows, days: 30, onProgress })
  const day = await layout({ rows, days: 1, onProgress })
  return { rows: [...month.rows, ...day.rows], cases: { ...month.cases, ...day.cases } }
}

function layout({ rows, days, onProgress }) {
  return withPostgres(async (url) => {
    const pool = createPool(url, { statementTimeoutMs: 1_800_000 })
    // Statements over all rows: no timeout, and compiled when Postgres thinks it pays.
    const plain = new pg.Client({ connectionString: url })
    let recorder
    let sender
    try {
      await migrate(url)
      const window = await fill(pool, { rows, days, onProgress })
      await plain.connect()
      recorder = await startRecorder(url, {
        environment: { THROUGHLINE_RECORDER_VALUE_MODEL: at('harness/value.yaml') },
      })
      sender = fork(at('harness/paced-process.mjs'), [recorder.url])
      await once(sender, 'message')
      await verify(plain, recorder.url, window)
      const size = `${rows / 1_000_000} million rows ${days === 1 ? 'within a day' : `over ${days} days`}`
      // What the layout has a second goes on coming, so that the last minutes are read from rows.
      sender.send({ perSecond: rows / ((days * dayMs) / 1_000) })
      await delay(minuteMs)
      const pages = await measurePages({
        plain,
        pool,
        url: recorder.url,
        window,
        days,
        rows,
        size,
        onProgress,
      })
      const paint = await firstPaint({ url: recorder.url, size, onProgress })
      const parts = [pages, paint]
      if (days === 1) parts.push(await underLoad({ pool, recorder, sender, window, size, onProgress }))
      return {
        rows: parts.flatMap((part) => part.rows),
        cases: Object.assign({}, ...parts.map((part) => part.cases)),
      }
    } finally {
      sender?.disconnect()
      await recorder?.stop()
      await plain.end()
      await pool.end()
    }
  })
}

async function fill(pool, { rows, days, onProgress }) {
  const until = Math.floor(Date.now() / minuteMs) * minuteMs
  const from = until - days * dayMs
  await fillOperations(pool, {
    from,
    until,
    count: rows,
    deployAt: until - 6 * hourMs,
    business: true,
    onProgress,
  })
  onProgress('sums')
  await pool.query(
    `INSERT INTO throughline.rollup_marks (start) SELECT generate_series($1::timestamptz, $2::timestamptz - interval '1 minute', '1 minute')`,
    [new Date(from), new Date(until)],
  )
  // Several days at a time; what they leave is that of today.
  const workers = Array.from({ length: 2 }, () => startRollups(pool, { lagMs: 0, intervalMs: 100 }))
  const waiting = `SELECT count(*)::int AS n FROM throughline.rollup_marks WHERE level = 'm'`
  for (let left = 1; left > 0; ) {
    await delay(1_000)
    left = (await pool.query(waiting)).rows[0].n
    onProgress(`sums: ${left} minutes to do`)
  }
  await Promise.all(workers.map((worker) => worker.stop()))
  await rollUp(pool)
  await pool.query('VACUUM (ANALYZE)')
  return { from: new Date(from), until: new Date(until) }
}

/** What is measured must be right: the same counts and cents as over the rows. */
async function verify(plain, url, { until }) {
  const from = new Date(until - dayMs)
  const query = `from=${from.toISOString()}&until=${until.toISOString()}`
  const { total } = await json(`${url}/metrics/performance?${query}`)
  const compared = await json(`${url}/metrics/compare?${query}`)
  const raw = (
    await plain.query(
      `SELECT count(*)::int AS count, count(*) FILTER (WHERE NOT success)::int AS failures, count(*) FILTER (WHERE service_version = '1.5.0')::int AS deployed,
       count(DISTINCT service_version) AS versions FROM throughline.operations WHERE started_at >= $1 AND started_at < $2`,
      [from, until],
    )
  ).rows[0]
  if (total.count !== raw.count || total.failures !== raw.failures || compared.new?.count !== raw.deployed)
    throw new Error(`the pages say ${total.count}, the rows ${raw.count}`)
}
