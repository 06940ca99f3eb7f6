// Reading over HTTP: the pages of a real recorder process against the same questions in plain SQL over the same rows, interleaved; while
// rows come in. Then fifty readers beside 5,000 rows a second. Milliseconds are stated, ratios are held.
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createPool, migrate } from '@throughline/postgres'
import { rollUp } from '@throughline/postgres/rollups'
import pg from 'pg'
import { median } from './harness/compare.mjs'
import { fillOperations } from './harness/operations.mjs'
import {
  businessSql,
  compareSql,
  correlationSql,
  performanceSql,
  prometheusSql,
} from './harness/plain-sql.mjs'
import { withPostgres } from './harness/postgres.mjs'

export const title = 'Reading over HTTP'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const writtenPerSecond = 5_000
const readers = 50
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
      recorder = await startRecorder(url)
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
      if (days > 1) return pages
      const load = await underLoad({ pool, recorder, sender, window, size, onProgress })
      return { rows: [...pages.rows, ...load.rows], cases: { ...pages.cases, ...load.cases } }
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

/** Each page some times, each time another question, so that none is answered from the last second's. */
async function measurePages({ plain, pool, url, window, days, rows, size, onProgress }) {
  const times = rows > 5_000_000 ? { ours: 30, theirs: 2 } : { ours: 30, theirs: 4 }
  const now = () => ({ from: new Date(Date.now() - dayMs), until: new Date() })
  const period = longestMonth(window)
  const month = monthOf(period)
  const ids = (
    await pool.query(
      'SELECT correlation_id AS id FROM throughline.operations TABLESAMPLE SYSTEM (1) ORDER BY random() LIMIT 400',
    )
  ).rows.map(({ id }) => id)
  let asked = 0
  const next = () => {
    asked += 1
    return asked
  }
  const pages = {
    'performance, 24 h, everything': {
      path: () => `/metrics/performance?hours=24&top=${20 + (next() % 30)}`,
      sql: () => performanceSql(now()),
      budgetMs: days === 1 ? 250 : 100,
      gate: days === 1 ? 0.06 : 0.6,
    },
    'performance, 24 h, one service': {
      path: () => `/metrics/performance?hours=24&service=service-${next() % 20}`,
      sql: () => performanceSql({ ...now(), service: `service-${next() % 20}` }),
      budgetMs: 50,
      gate: days === 1 ? 0.1 : 0.9,
    },
    'performance, 24 h, one operation': {
      path: () => `/metrics/performance?hours=24&operation=Class${next() % 10}.operation${asked % 10}`,
    },
    'comparison of two versions, 24 h, everything': {
      path: () => `/metrics/compare?hours=${24 - (next() % 30) / 60_000}`,
      sql: () => compareSql(now()),
      gate: days === 1 ? 0.03 : 0.6,
    },
    'one correlation ID': {
      path: () => `/v1/operations?correlation_id=${ids[next() % ids.length]}`,
      sql: () => correlationSql(ids[next() % ids.length]),
      budgetMs: 15,
      gate: 12,
      times: { ours: 200, theirs: 200 },
    },
    'the page for Prometheus, operations since the month began': {
      path: () => '/metrics/prometheus',
      sql: () =>
        prometheusSql({ from: monthOf(new Date().toISOString().slice(0, 7)).from, until: new Date() }),
      pauseMs: 1_050,
      gate: 0.3,
      times: { ours: 15, theirs: times.theirs },
    },
    ...(days > 1 && {
      'business values of a month': {
        path: () => `/metrics/business?period=${period}`,
        sql: () => businessSql(month),
        budgetMs: 200,
        pauseMs: 1_050,
        gate: 0.9,
        times: { ours: 20, theirs: times.theirs },
      },
      'value report of a month, against the SQL that it prints': {
        path: () => `/metrics/value?period=${period}`,
        sql: async () => sqlOf(await json(`${url}/metrics/value?period=${period}`)),
        budgetMs: 200,
        pauseMs: 1_050,
        gate: 0.1,
        times: { ours: 20, theirs: 1 },
      },
    }),
  }
  const measured = {}
  for (const [name, page] of Object.entries(pages)) {
    const { ours: most, theirs: some } = page.times ?? times
    const ours = []
    const theirs = []
    // The first of each fills caches and does not count.
    for (let turn = -1; turn < most; turn += 1) {
      onProgress(`${name}, ${size} (${turn}/${most})`)
      const sql =
        page.sql !== undefined && theirs.length <= (Math.max(0, turn + 1) * some) / most
          ? await page.sql()
          : undefined
      if (sql !== undefined) {
        const began = performance.now()
        for (const statement of sql) await plain.query(statement)
        theirs.push(performance.now() - began)
      }
      await delay(page.pauseMs ?? 5)
      const began = performance.now()
      await text(`${url}${page.path()}`)
      if (turn >= 0) ours.push(performance.now() - began)
    }
    measured[name] = { ours, theirs: theirs.length > 1 ? theirs.slice(1) : theirs, page }
  }
  return {
    rows: Object.entries(measured).flatMap(([name, { ours, theirs, page }]) =>
      page.sql === undefined ? [] : [row(`${name}; ${size}`, ours, theirs, page)],
    ),
    cases: Object.fromEntries(
      Object.entries(measured).flatMap(([name, { ours, theirs }]) => [
        [`${name}; ${size}, p50 and p5 to p95`, spread(ours)],
        ...(theirs.length === 0 ? [] : [[`${name}; ${size}, plain SQL`, spread(theirs, 0, 1)]]),
      ]),
    ),
  }
}

function row(name, ours, theirs, { budgetMs, gate }) {
  const other = median(theirs)
  return {
    name: `${name}: p95 of the page, against plain SQL over the rows`,
    unit: 'ms',
    ours: quantile(ours, 0.95),
    theirs: other,
    ratio: quantile(ours, 0.95) / other,
    target: budgetMs === undefined ? gate : budgetMs / other,
    gate,
    ...(budgetMs !== undefined && { why: `the target is ${budgetMs} ms here` }),
  }
}

async function underLoad({ pool, recorder, sender, window, size, onProgress }) {
  const turnMs = 20_000
  const turns = 3
  const { url } = recorder
  const ask = async () => {
    sender.send({ ask: true })
    return (await once(sender, 'message'))[0]
  }
  const one = `${url}/metrics/performance?from=${window.from.toISOString()}`
  const alone = []
  const together = []
  for (let turn = 0; turn < 7; turn += 1) {
    await delay(1_100)
    alone.push(await timed(() => text(`${one}&top=${30 + turn}`)))
    together.push(
      await timed(() => Promise.all(Array.from({ length: readers }, () => text(`${one}&top=${60 + turn}`)))),
    )
  }
  sender.send({ perSecond: writtenPerSecond })
  onProgress(`${writtenPerSecond} rows/s`)
  // Two minutes of that pace before anything counts: then the minute before is being summed up, as ever.
  await delay(2 * minuteMs)
  const quiet = []
  const busy = []
  const waits = { quiet: [], busy: [] }
  const times = []
  let connections = 0
  for (let turn = 0; turn < turns; turn += 1)
    for (const [name, perSecond] of [
      ['quiet', quiet],
      ['busy', busy],
    ]) {
      onProgress(`${name} (${turn + 1}/${turns})`)
      const stop = new AbortController()
      const reading = name === 'busy' ? readFor(url, window, stop.signal, times) : Promise.resolve()
      const watching = watch(pool, stop.signal, (count) => {
        connections = Math.max(connections, count)
      })
      await ask()
      const began = performance.now()
      await delay(turnMs)
      const { rows, waitsMs } = await ask()
      perSecond.push((rows * 1_000) / (performance.now() - began))
      waits[name].push(...waitsMs)
      stop.abort()
      await Promise.all([reading, watching])
    }
  return {
    rows: [
      {
        name: `rows written of ${writtenPerSecond} offered a second, beside ${readers} readers, against without; ${size}`,
        unit: 'rows/s',
        ours: median(busy),
        theirs: median(quiet),
        ratio: median(busy.map((value, turn) => value / quiet[turn])),
        atLeast: true,
        target: 0.9,
        gate: 0.9,
      },
      {
        name: 'connections that the pages have at a time, at most, against 4',
        unit: 'connections',
        ours: connections,
        theirs: 4,
        ratio: connections / 4,
        target: 1,
        gate: 1,
      },
      {
        name: `${readers} equal questions at once, against one: they are one`,
        unit: 'ms',
        ours: median(together),
        theirs: median(alone),
        ratio: median(together) / median(alone),
        target: 2,
        gate: 3,
      },
    ],
    cases: {
      [`a page beside ${readers} readers and ${writtenPerSecond} rows/s`]: spread(times),
      'a request with rows, without readers': spread(waits.quiet),
      [`a request with rows, beside ${readers} readers`]: spread(waits.busy),
    },
  }
}

/** Fifty who each look once a second at one of the pages that a console and its people ask for. */
async function readFor(url, window, signal, times) {
  const pages = [
    ...Array.from({ length: 10 }, () => '/metrics/performance?hours=24'),
    ...Array.from({ length: 10 }, () => '/metrics/performance?hours=1'),
    ...Array.from({ length: 10 }, (_, n) => `/metrics/performance?hours=24&service=service-${n % 4}`),
    ...Array.from({ length: 5 }, () => '/metrics/health'),
    ...Array.from({ length: 5 }, () => '/v1/operations?hours=1&limit=50'),
    ...Array.from({ length: 4 }, () => `/metrics/business?period=${longestMonth(window)}`),
    ...Array.from({ length: 4 }, () => '/metrics/prometheus'),
    ...Array.from({ length: 2 }, () => '/metrics/compare?hours=24'),
  ]
  const everyMs = 1_000
  await Promise.all(
    pages.slice(0, readers).map(async (page, n) => {
      await delay((everyMs * n) / readers)
      while (!signal.aborted) {
        const took = await timed(() => text(`${url}${page}`))
        times.push(took)
        await delay(Math.max(0, everyMs - took))
      }
    }),
  )
}

async function watch(pool, signal, onCount) {
  while (!signal.aborted) {
    const { rows } = await pool.query(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'throughline reads'`,
    )
    onCount(rows[0].n)
    await delay(500)
  }
}

/** The statements that a report prints, each once. */
function sqlOf({ report }) {
  return [...new Set(report.figures.map(({ sql }) => sql).filter((sql) => sql !== null))].map((one) => ({
    text: one,
  }))
}

/** The month of which the window holds most: `2026-10`. */
function longestMonth({ from, until }) {
  const first = from.toISOString().slice(0, 7)
  const last = new Date(until - 1).toISOString().slice(0, 7)
  const begun = monthOf(last).from
  return until - begun >= begun - from ? last : first
}

function monthOf(name) {
  const [year, month] = name.split('-').map(Number)
  return { from: new Date(Date.UTC(year, month - 1)), until: new Date(Date.UTC(year, month)) }
}

async function startRecorder(databaseUrl) {
  const child = spawn(process.execPath, [at('../packages/recorder/dist/main.js')], {
    env: {
      ...process.env,
      THROUGHLINE_DATABASE_URL: databaseUrl,
      THROUGHLINE_RECORDER_AUTH: 'off',
      THROUGHLINE_RECORDER_PORT: '0',
      THROUGHLINE_RECORDER_VALUE_MODEL: at('harness/value.yaml'),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const line = once(createInterface({ input: child.stdout }), 'line')
  const early = exited.then(([code]) => {
    throw new Error(`the recorder ended with ${code}`)
  })
  const [text] = await Promise.race([line, early])
  early.catch(() => {})
  const { url } = JSON.parse(text)
  for (;;) {
    const answer = await fetch(`${url}/healthz`)
    await answer.arrayBuffer()
    if (answer.ok) break
    await delay(100)
  }
  return {
    url,
    stop: async () => {
      child.kill()
      await exited
    },
  }
}

async function text(url) {
  const answer = await fetch(url)
  const body = await answer.text()
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${body.slice(0, 300)}`)
  return body
}

async function json(url) {
  return JSON.parse(await text(url))
}

async function timed(work) {
  const began = performance.now()
  await work()
  return performance.now() - began
}

function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}

function spread(values, low = 0.05, high = 0.95) {
  return { unit: 'ms', value: median(values), range: [quantile(values, low), quantile(values, high)] }
}
