import { setTimeout as delay } from 'node:timers/promises'
import type { Database } from './database.js'
import { expectedOf, type Journal } from './journal.js'

/** What the table says, held against the callers' journal. */
export interface Verdict {
  readonly completed: number
  /** Rows of this journal's operations, those in doubt among them. */
  readonly rows: number
  /** Completed and without a row; the first few of them by name. */
  readonly lost: number
  readonly lostSample: readonly string[]
  /** Rows beyond the first of an operation. */
  readonly doubled: number
  /** Rows of operations that nobody asked for. */
  readonly invented: number
  /** Rows that say something else than what happened: outcome or money. */
  readonly wrong: number
  readonly drainMs: number
}

/**
 * Waits until every completed operation has its row, at most `deadlineMs`, then counts. `mendingAt` (a reading of the steady clock) is when the
 * last fault was over: what drains while processes start again belongs to the time.
 */
export async function judge(
  database: Database,
  journal: Journal,
  deadlineMs: number,
  mendingAt: number,
): Promise<Verdict> {
  const began = performance.now()
  for (;;) {
    const there = await countRows(database, journal.prefix).catch(() => 0)
    if (there >= journal.completions || performance.now() - began > deadlineMs) {
      const verdict = await compare(database, journal, performance.now() - mendingAt)
      // Rows of operations in doubt may have filled the count before the last completed one came.
      if (verdict.lost === 0 || performance.now() - began > deadlineMs) return verdict
    }
    await delay(100)
  }
}

async function countRows(database: Database, prefix: string): Promise<number> {
  const [found] = await database.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM throughline.operations WHERE correlation_id >= $1 AND correlation_id < $2`,
    range(prefix),
  )
  return found?.n ?? 0
}

/** Correlation IDs that begin with the prefix: `;` is the character after the digits and the colon. */
const range = (prefix: string): [string, string] => [prefix, `${prefix};`]

async function compare(database: Database, journal: Journal, drainMs: number): Promise<Verdict> {
  const found = await database.query<{
    number: number
    rows: number
    success: boolean
    amount: string | null
  }>(
    `SELECT substr(correlation_id, $3)::int AS number, count(*)::int AS rows, bool_and(success) AS success,
            max(business #>> '{0,value}') AS amount
       FROM throughline.operations WHERE correlation_id >= $1 AND correlation_id < $2 GROUP BY correlation_id`,
    [...range(journal.prefix), journal.prefix.length + 1],
  )
  const seen = new Uint8Array(journal.asked)
  let rows = 0
  let doubled = 0
  let invented = 0
  let wrong = 0
  for (const row of found) {
    rows += row.rows
    doubled += row.rows - 1
    if (journal.stateOf(row.number) === 'unknown') {
      invented += 1
      continue
    }
    seen[row.number] = 1
    const expected = expectedOf(row.number)
    if (row.success !== expected.success || Math.round(Number(row.amount ?? 0) * 100) !== expected.cents)
      wrong += 1
  }
  const lostSample: string[] = []
  let lost = 0
  for (const number of journal.numbers()) {
    if (seen[number] === 1) continue
    lost += 1
    if (lostSample.length < 5) lostSample.push(`${journal.prefix}${number}`)
  }
  return { completed: journal.completions, rows, lost, lostSample, doubled, invented, wrong, drainMs }
}

/** An instance of which numbers never arrived, stored or parked. */
export interface Gap {
  readonly instance: string
  readonly service: string
  readonly missing: number
}

/**
 * Numbers from 1 to the highest known one that `delivered` does not cover, by instance. Records on their way fill theirs within moments:
 * asked again until there is none, at most `deadlineMs`. `known` are instances whose gaps an earlier row has explained.
 */
export async function findGaps(
  database: Database,
  deadlineMs: number,
  known: ReadonlySet<string>,
): Promise<Gap[]> {
  const deadline = performance.now() + deadlineMs
  for (;;) {
    const gaps = (await gapsNow(database)).filter((gap) => !known.has(gap.instance))
    if (gaps.length === 0 || performance.now() > deadline) return gaps
    await delay(200)
  }
}

function gapsNow(database: Database): Promise<Gap[]> {
  return database.query<Gap & { [column: string]: unknown }>(
    `SELECT instance::text, coalesce(service, '') AS service, missing::int
       FROM (SELECT d.instance, i.service, greatest(max(d.highest), i.last_seq) - sum(upper(run) - lower(run)) AS missing
               FROM (SELECT instance, max(hi) AS highest, range_agg(int8range(lo, hi + 1)) AS runs
                       FROM throughline.delivered GROUP BY instance) AS d
              CROSS JOIN LATERAL unnest(d.runs) AS run
               LEFT JOIN throughline.instances i USING (instance)
              GROUP BY d.instance, i.service, i.last_seq) AS counted
      WHERE missing <> 0`,
  )
}
