import { quotedSchema } from '../adapters/schema.js'
import type { JobState } from '../types.js'

interface PgBoss {
  getDb(): { executeSql(text: string, values?: unknown[]): Promise<{ rows: unknown[] }> }
  getQueueStats(name: string): Promise<{ activeCount: number; failedCount: number; queuedCount: number }[]>
}

interface StateOptions {
  /** Schema of pg-boss. Default `pgboss`. */
  schema?: string
  /** How many of the queue's jobs are read at most for one answer. Default 100,000. */
  maxJobs?: number
}

interface Row {
  depth: number
  waiting: number
  oldest: Date | string | null
  counts: Partial<Record<string, number>> | null
}

/**
 * Option `state`: what the queue's table says, in one statement that reads at most `maxJobs` of its rows by index. `depth` and the oldest are
 * of the jobs that are due; deferred and blocked ones are pending only. `completed`, `failed` and `cancelled` are those that pg-boss still keeps.
 * A queue that keeps more than `maxJobs`: running and failed as pg-boss's own monitor last counted them, completed and cancelled left out.
 */
export const queueState = (
  boss: PgBoss,
  queue: string,
  options: StateOptions = {},
): (() => Promise<JobState>) => {
  const { schema = 'pgboss', maxJobs = 100_000 } = options
  const text = statement(quotedSchema(schema))
  return async () => {
    const { rows } = await boss.getDb().executeSql(text, [queue, maxJobs])
    const { depth, waiting, oldest, counts } = rows[0] as Row
    const of = (status: string) => counts?.[status] ?? 0
    const seen = Object.values(counts ?? {}).reduce<number>((sum, count) => sum + (count ?? 0), 0)
    return {
      counts:
        seen < maxJobs
          ? {
              pending: of('created') + of('retry'),
              running: of('active'),
              completed: of('completed'),
              failed: of('failed'),
              cancelled: of('cancelled'),
            }
          : await counted(boss, queue, waiting),
      depth,
      oldestEnqueuedAt: oldest ?? undefined,
      jobs: seen,
    }
  }
}

const counted = async (boss: PgBoss, queue: string, waiting: number): Promise<JobState['counts']> => {
  const [stats] = await boss.getQueueStats(queue)
  return {
    pending: Math.max(waiting, stats?.queuedCount ?? 0),
    ...(stats === undefined ? {} : { running: stats.activeCount, failed: stats.failedCount }),
  }
}

const statement = (schema: string): string => `
WITH stored AS (
  SELECT state FROM ${schema}.job WHERE name = $1 LIMIT $2
), waiting AS (
  SELECT greatest(created_on, start_after) AS ready_at
  FROM ${schema}.job WHERE name = $1 AND state < 'active' AND NOT blocked LIMIT $2
)
SELECT
  (count(*) FILTER (WHERE ready_at <= now()))::int AS depth,
  count(*)::int AS waiting,
  min(ready_at) FILTER (WHERE ready_at <= now()) AS oldest,
  (SELECT jsonb_object_agg(state, n) FROM (SELECT state::text, count(*)::int AS n FROM stored GROUP BY 1) AS by_state) AS counts
FROM waiting`
