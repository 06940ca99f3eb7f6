import type { Pool, PoolClient } from 'pg'
import { deliveredRanges } from './delivered.js'
import { inTransaction } from './transaction.js'

/** What the database holds of one instance (a process or a worker thread), over its whole life. */
export type InstanceAudit = {
  instance: string
  service: string | null
  version: string | null
  host: string | null
  startedAt: Date | null
  stoppedAt: Date | null
  /** Null while it runs, and of one that was killed. */
  stopReason: string | null
  /** The highest number that it gave out, told by its stop record; null without one. */
  lastSeq: bigint | null
  /** Numbers whose records are committed (stored, known before or parked): inclusive, ascending, apart. */
  covered: [bigint, bigint][]
  /** Records that arrived, doubles included. */
  received: bigint
  /** Rows in `operations` that bear a number; null when part of its life is older than the oldest partition, so that they cannot be counted. */
  rows: bigint | null
  /** Of the committed numbers, those that are lifecycle records. */
  lifecycle: bigint
  /** Of the committed numbers, those that are parked in `dead_letter` still. */
  parked: bigint
  /** Of the committed numbers, those whose copy waits for the transaction that the row went into (`recordIn`). */
  inTransactions: bigint
  /** Of the committed numbers, those whose row or parked record was erased (`throughline erase`). */
  erased: bigint
}

/** One business value as rows have it: the exact sum, as a decimal. */
export type BusinessSum = { name: string; labels: Record<string, string>; sum: string }

type Window = { from: Date; to: Date }

/** Ranges of one instance that are read; a healthy one has a single one. */
const maxRanges = 100_000
/** A record may bear a start before that of its instance: clocks are set. */
const slackMs = 3_600_000

const instancesSql = `
WITH seen AS (
  SELECT instance, sum(received)::int8 AS received, min(recorded_at) AS first_at, max(recorded_at) AS last_at
  FROM throughline.delivered GROUP BY instance
)
SELECT coalesce(i.instance, s.instance)::text AS instance, i.service, i.version, i.host, i.started_at, i.stopped_at,
  i.stop_reason, i.last_seq::text, coalesce(s.received, 0)::text AS received, s.first_at,
  ((i.started_at IS NOT NULL)::int + (i.stopped_at IS NOT NULL)::int)::text AS lifecycle
FROM throughline.instances i FULL JOIN seen s ON s.instance = i.instance
WHERE coalesce(i.started_at, s.first_at) < $2 AND greatest(i.stopped_at, s.last_at, i.started_at) >= $1
ORDER BY coalesce(i.started_at, s.first_at), 1`

const rowsSql = `SELECT instance::text, count(*)::text AS n FROM throughline.operations
WHERE instance = ANY($1::uuid[]) AND started_at >= $2 AND seq IS NOT NULL GROUP BY instance`

const parkedSql = `SELECT instance::text, count(DISTINCT seq)::text AS n FROM throughline.dead_letter
WHERE instance = ANY($1::uuid[]) AND seq IS NOT NULL GROUP BY instance`

// A row that went in by recordIn has no number until its copy is settled. The copy is kept as text, the body of a dead letter.
const inTransactionsSql = `SELECT record::json -> 'row' ->> 'instance' AS instance, count(*)::text AS n FROM throughline.in_tx w
WHERE (record::json -> 'row' ->> 'instance')::uuid = ANY($1::uuid[]) AND NOT EXISTS (
  SELECT FROM throughline.operations o
  WHERE o.started_at = w.started_at AND o.trace_id = w.trace_id AND o.span_id = w.span_id AND o.seq IS NOT NULL)
GROUP BY 1`

const erasedSql = 'SELECT instance::text, n::text FROM throughline.erased_numbers($1::uuid[])'

const oldestSql = `SELECT min(substring(pg_get_expr(c.relpartbound, c.oid) FROM 'FROM \\(''([^'']+)''\\)')::timestamptz) AS oldest
FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid WHERE h.inhparent = 'throughline.operations'::regclass`

type InstanceRecord = {
  instance: string
  service: string | null
  version: string | null
  host: string | null
  started_at: Date | null
  stopped_at: Date | null
  stop_reason: string | null
  last_seq: string | null
  received: string
  first_at: Date | null
  lifecycle: string
}

/**
 * The instances that lived in the window, each over its whole life, in the order of their starts. All of it as of one moment, so that what
 * is written meanwhile makes no difference.
 */
export const auditInstances = (pool: Pool, window: Window): Promise<InstanceAudit[]> =>
  inTransaction(pool, async (client) => {
    await client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY')
    return audit(client, window)
  })

const audit = async (client: PoolClient, { from, to }: Window): Promise<InstanceAudit[]> => {
  const { rows: found } = await client.query<InstanceRecord>(instancesSql, [from, to])
  if (found.length === 0) return []
  const ids = found.map(({ instance }) => instance)
  const beginOf = (one: InstanceRecord): number => Number(one.started_at ?? one.first_at ?? from)
  const since = new Date(Math.min(...found.map(beginOf)) - slackMs)
  const rows = await counts(client, rowsSql, [ids, since])
  const parked = await counts(client, parkedSql, [ids])
  const inTransactions = await counts(client, inTransactionsSql, [ids])
  const erased = await counts(client, erasedSql, [ids])
  const oldest = (await client.query<{ oldest: Date | null }>(oldestSql)).rows[0]?.oldest ?? null
  const audits: InstanceAudit[] = []
  for (const one of found)
    audits.push({
      instance: one.instance,
      service: one.service,
      version: one.version,
      host: one.host,
      startedAt: one.started_at,
      stoppedAt: one.stopped_at,
      stopReason: one.stop_reason,
      lastSeq: one.last_seq === null ? null : BigInt(one.last_seq),
      covered: await deliveredRanges(client, one.instance, { limit: maxRanges }),
      received: BigInt(one.received),
      rows: oldest !== null && beginOf(one) < Number(oldest) ? null : (rows.get(one.instance) ?? 0n),
      lifecycle: BigInt(one.lifecycle),
      parked: parked.get(one.instance) ?? 0n,
      inTransactions: inTransactions.get(one.instance) ?? 0n,
      erased: erased.get(one.instance) ?? 0n,
    })
  return audits
}

const counts = async (client: PoolClient, sql: string, values: unknown[]): Promise<Map<string, bigint>> => {
  const { rows } = await client.query<{ instance: string; n: string }>(sql, values)
  return new Map(rows.map(({ instance, n }) => [instance, BigInt(n)]))
}

const sumsSql = `SELECT v.value ->> 'name' AS name, v.value -> 'labels' AS labels,
  sum((v.value ->> 'value')::numeric)::text AS sum
FROM throughline.operations o CROSS JOIN LATERAL jsonb_array_elements(o.business) AS v
WHERE o.instance = ANY($1::uuid[]) AND o.started_at >= $2 AND o.business IS NOT NULL AND NOT v.value ? 'kind'
GROUP BY 1, 2 ORDER BY 1, 2`

/** What counters and money add up to over the rows of these instances: gauges and histograms are no sums. */
export const businessSums = async (
  pool: Pool,
  instances: readonly string[],
  since: Date,
): Promise<BusinessSum[]> => (await pool.query<BusinessSum>(sumsSql, [instances, since])).rows
