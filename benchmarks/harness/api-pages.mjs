// Each page of the API against the same question in plain SQL over the same rows, interleaved.
import { setTimeout as delay } from 'node:timers/promises'
import { json, quantile, spread, text } from './asked.mjs'
import { median } from './compare.mjs'
import { businessSql, compareSql, correlationSql, performanceSql, prometheusSql } from './plain-sql.mjs'

const dayMs = 86_400_000

/** Each page some times, each time another question, so that none is answered from the last second's. */
export async function measurePages({ plain, pool, url, window, days, rows, size, onProgress }) {
  const times = { ours: 60, theirs: rows > 5_000_000 ? 2 : 4 }
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
      path: () => `/metrics/performance?hours=24&service=service-${next() % 20}&top=${20 + (asked % 30)}`,
      sql: () => performanceSql({ ...now(), service: `service-${next() % 20}` }),
      // Stated for a month; within a full day its last minutes alone are thousands of rows.
      ...(days > 1 && { budgetMs: 50 }),
      gate: days === 1 ? 0.1 : 0.9,
    },
    'performance, 24 h, one operation': {
      path: () =>
        `/metrics/performance?hours=24&operation=Class${next() % 10}.operation${asked % 10}&top=${20 + (asked % 30)}`,
    },
    'comparison of two versions, 24 h, everything': {
      path: () => `/metrics/compare?hours=${24 - (next() % 1_000) / 60_000}`,
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
      times: { ours: 40, theirs: times.theirs },
    },
    ...(days > 1 && {
      'business values of a month': {
        path: () => `/metrics/business?period=${period}`,
        sql: () => businessSql(month),
        budgetMs: 200,
        pauseMs: 1_050,
        gate: 0.9,
        times: { ours: 40, theirs: times.theirs },
      },
      'value report of a month, against the SQL that it prints': {
        path: () => `/metrics/value?period=${period}`,
        sql: async () => sqlOf(await json(`${url}/metrics/value?period=${period}`)),
        budgetMs: 200,
        pauseMs: 1_050,
        gate: 0.1,
        times: { ours: 40, theirs: 1 },
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

/** The statements that a report prints, each once. */
function sqlOf({ report }) {
  return [...new Set(report.figures.map(({ sql }) => sql).filter((sql) => sql !== null))].map((one) => ({
    text: one,
  }))
}

/** The month of which the window holds most: `2026-10`. */
export function longestMonth({ from, until }) {
  const first = from.toISOString().slice(0, 7)
  const last = new Date(until - 1).toISOString().slice(0, 7)
  const begun = monthOf(last).from
  return until - begun >= begun - from ? last : first
}

function monthOf(name) {
  const [year, month] = name.split('-').map(Number)
  return { from: new Date(Date.UTC(year, month - 1)), until: new Date(Date.UTC(year, month)) }
}
