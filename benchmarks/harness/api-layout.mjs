// A database with its sums, a recorder before it, and rows that go on coming: what pages are measured over.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createPool, migrate } from '@throughline/postgres'
import { rollUp, startRollups } from '@throughline/postgres/rollups'
import pg from 'pg'
import { measurePages } from './api-pages.mjs'
import { json } from './asked.mjs'
import { firstPaint } from './first-paint.mjs'
import { fillOperations } from './operations.mjs'
import { withPostgres } from './postgres.mjs'
import { startRecorder } from './recorder-process.mjs'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const whileFilling = { work_mem: '64MB', synchronous_commit: 'off', max_wal_size: '8GB' }
const at = (path) => fileURLToPath(new URL(path, import.meta.url))

/** `further` measures more over the same rows; the parts are one result. */
export function measureLayout({ rows, days, further = [], onProgress }) {
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
        environment: { THROUGHLINE_RECORDER_VALUE_MODEL: at('value.yaml') },
      })
      sender = fork(at('paced-process.mjs'), [recorder.url])
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
      for (const measure of further)
        parts.push(await measure({ pool, recorder, sender, window, size, onProgress }))
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
  // So that filling takes minutes; what is measured runs with Postgres' defaults again.
  for (const [name, value] of Object.entries(whileFilling))
    await pool.query(`ALTER SYSTEM SET ${name} = '${value}'`)
  await pool.query('SELECT pg_reload_conf()')
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
  for (const name of Object.keys(whileFilling)) await pool.query(`ALTER SYSTEM RESET ${name}`)
  await pool.query('SELECT pg_reload_conf()')
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
