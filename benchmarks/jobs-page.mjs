// `GET /metrics/jobs` of a day with a million jobs: what it reads, from sums with its last minutes from rows, against the same figures in
// plain SQL over the rows. Milliseconds are stated, the ratio is held; the peak of both must be the same.
import { createPool, migrate } from '@throughline/postgres'
import { inSnapshot, readJobs } from '@throughline/postgres/reading'
import { rollUp } from '@throughline/postgres/rollups'
import { median } from './harness/compare.mjs'
import { fillJobs, plainJobsSql } from './harness/job-rows.mjs'
import { withPostgres } from './harness/postgres.mjs'

export const title = 'The page of the jobs'

const dayMs = 86_400_000
const minuteMs = 60_000
const budgetMs = 2_000

export async function run({ rows = 1_000_000, onProgress }) {
  return withPostgres(async (url) => {
    const pool = createPool(url, { statementTimeoutMs: 1_800_000 })
    try {
      await migrate(url)
      const until = Math.floor(Date.now() / minuteMs) * minuteMs - 12_345
      const from = until - dayMs
      await fillJobs(pool, { from, until, count: rows, onProgress })
      onProgress('sums')
      const began = performance.now()
      await rollUp(pool)
      const sumsMs = performance.now() - began
      // The last minutes of a running system are not summed up yet.
      await pool.query(
        'INSERT INTO throughline.rollup_marks (start) SELECT generate_series($1::timestamptz, $2::timestamptz, $3)',
        [new Date(Math.floor(until / minuteMs) * minuteMs - 2 * minuteMs), new Date(until), '1 minute'],
      )
      await pool.query('VACUUM (ANALYZE)')
      const query = { from: new Date(from), until: new Date(until), types: 50, stepMs: 15 * minuteMs }
      const page = (changes = {}) => inSnapshot(pool, (db) => readJobs(db, { ...query, ...changes }))
      const plain = async () => (await pool.query(plainJobsSql, [query.from, query.until])).rows[0]
      await verify(await page(), await plain())

      const times = { page: [], queue: [], plain: [] }
      for (let round = 0; round < 15; round += 1) {
        onProgress(`page ${round + 1}/15`)
        times.page.push(await timed(() => page()))
        times.queue.push(await timed(() => page({ queue: `queue-${round % 4}` })))
        if (round % 5 === 0) times.plain.push(await timed(plain))
      }
      const nanos = (ms) => ms * 1e6
      const [ours, theirs] = [median(times.page), median(times.plain)]
      const size = `a day with ${rows.toLocaleString('en')} jobs`
      return {
        rows: [
          {
            name: `${size}: the page, against the same figures in SQL over the rows`,
            ours: nanos(ours),
            theirs: nanos(theirs),
            ratio: ours / theirs,
            target: 0.2,
            gate: 0.25,
          },
        ],
        cases: {
          [`${size}, everything (budget ${budgetMs} ms)`]: figures(times.page),
          [`${size}, one queue of four`]: figures(times.queue),
          [`${size}, in SQL over the rows`]: figures(times.plain),
          'summing it up, once': { unit: 'ms', value: sumsMs, range: [sumsMs, sumsMs] },
        },
      }
    } finally {
      await pool.end()
    }
  })
}

const figures = (times) => ({
  unit: 'ms',
  value: median(times),
  range: [Math.min(...times), Math.max(...times)],
})

async function timed(work) {
  const began = performance.now()
  await work()
  return performance.now() - began
}

/** What is measured must be right. */
function verify({ total }, plain) {
  const ours = [total.count, total.failed, total.peak.jobs]
  const theirs = [plain.count, plain.failed, plain.peak]
  if (ours.join() !== theirs.join()) throw new Error(`the page says ${ours}, the rows ${theirs}`)
}
