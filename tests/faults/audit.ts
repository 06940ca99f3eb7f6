import { join } from 'node:path'
import { rollUp } from '@throughline/postgres/rollups'
import pg from 'pg'
import { reconcile } from '../../packages/cli/src/reconcile/reconcile.js'
import type { Database } from './database.js'
import type { World } from './world.js'

const KEY = 'start, service, version, operation_service, operation'

/** Minutes whose sums are not those of the rows; `name` is the operation or the business value. */
const WRONG_SUMS = `
WITH counted AS (
  SELECT throughline.minute_of(started_at) AS start, service, coalesce(service_version, '') AS version, operation_service, operation,
         count(*) AS n, count(*) FILTER (WHERE NOT success) AS failures, sum(duration_us) AS sum_us
    FROM throughline.operations WHERE started_at >= $1 GROUP BY 1, 2, 3, 4, 5
), summed AS (
  SELECT start, service, service_version AS version, operation_service, operation, count, failures, sum_us,
         (SELECT sum(one) FROM unnest(bucket_counts) AS one) AS bucketed
    FROM throughline.rollup_operations WHERE level = 'm' AND grain = 'o' AND start >= $1
), entries AS (
  SELECT throughline.minute_of(started_at) AS start, service, operation_service, operation, entry ->> 'name' AS name, entry -> 'labels' AS labels,
         sum((entry ->> 'value')::numeric) AS sum
    FROM throughline.operations, jsonb_array_elements(business) AS entry
   WHERE started_at >= $1 AND entry ->> 'kind' IS NULL GROUP BY 1, 2, 3, 4, 5, 6
)
SELECT start, operation AS name FROM counted FULL JOIN summed USING (${KEY})
 WHERE counted.n IS DISTINCT FROM summed.count OR counted.failures IS DISTINCT FROM summed.failures
    OR counted.sum_us IS DISTINCT FROM summed.sum_us OR summed.bucketed IS DISTINCT FROM summed.count
UNION ALL
SELECT start, name FROM entries
  FULL JOIN (SELECT start, service, operation_service, operation, name, labels, sum AS total FROM throughline.rollup_business
              WHERE level = 'm' AND start >= $1) AS of_business USING (start, service, operation_service, operation, name, labels)
 WHERE entries.sum IS DISTINCT FROM of_business.total
UNION ALL
SELECT min(start), format('all operations, level %s, grain %s', level, grain) FROM throughline.rollup_operations GROUP BY level, grain
 HAVING sum(count) <> (SELECT count(*) FROM throughline.operations)
 LIMIT 5`

/** The sums of the rollups since a moment, held against the rows themselves. Answers with what differs. */
export async function checkRollups(database: Database, since: Date): Promise<string[]> {
  const pool = new pg.Pool({ connectionString: database.url, max: 2 })
  pool.on('error', () => {})
  try {
    await rollUp(pool)
    const minute = new Date(Math.floor(since.getTime() / 60_000) * 60_000)
    const { rows } = await pool.query<{ start: Date; name: string }>(WRONG_SUMS, [minute])
    return rows.map(
      ({ start, name }) => `rollup of ${name} at ${start.toISOString()} is not the sum of its rows`,
    )
  } finally {
    await pool.end()
  }
}

export interface Account {
  readonly instances: number
  /** Records that came again, of all instances. */
  readonly redelivered: bigint
  /** Numbers that are nowhere. */
  readonly unexplained: bigint
  readonly explained: boolean
  readonly problems: readonly string[]
}

/** What `throughline reconcile` says of everything that lived in a world. */
export async function account(world: World, since: Date): Promise<Account> {
  const pool = new pg.Pool({ connectionString: world.database.url, max: 2 })
  pool.on('error', () => {})
  try {
    const result = await reconcile({
      pool,
      from: since,
      to: new Date(Date.now() + 60_000),
      spools: [join(world.dir, 'spool')],
      collector: world.stack.urls.collectorMetrics,
      prometheus: undefined,
      cloudwatch: undefined,
    })
    const findings = result.instances.flatMap(({ audit, findings: found }) =>
      found
        .filter((one) => !one.explained)
        .map((one) => ({ service: audit.service ?? audit.instance, ...one })),
    )
    return {
      instances: result.instances.length,
      redelivered: result.instances.reduce((sum, { redelivered }) => sum + redelivered, 0n),
      unexplained: findings.reduce((sum, { count }) => sum + count, 0n),
      explained: result.explained,
      problems: findings.slice(0, 5).map(({ service, text }) => `${service}: ${text}`),
    }
  } finally {
    await pool.end()
  }
}
