import { quotedSchema } from '../adapters/schema.js'
import type { JobState } from '../types.js'

interface Pool {
  query(text: string, values: unknown[]): Promise<{ rows: unknown[] }>
}

interface StateOptions {
  /** Schema of Graphile Worker. Default `graphile_worker`. */
  schema?: string
  /** How many jobs are read at most for one answer; with more, the figures are lower bounds. Default 100,000. */
  maxJobs?: number
}

interface Row {
  jobs: number
  pending: number
  running: number
  failed: number
  depth: number
  oldest: Date | string | null
}

/**
 * Option `state`: what the view `jobs` says, in one statement over at most `maxJobs` rows. `depth` and the oldest are of the jobs that are due.
 * Graphile Worker deletes what is completed and what is removed, so these two are not counted.
 */
export const queueState = (pool: Pool, options: StateOptions = {}): (() => Promise<JobState>) => {
  const { schema = 'graphile_worker', maxJobs = 100_000 } = options
  const text = statement(quotedSchema(schema))
  return async () => {
    const { rows } = await pool.query(text, [maxJobs])
    const { jobs, pending, running, failed, depth, oldest } = rows[0] as Row
    return { counts: { pending, running, failed }, depth, oldestEnqueuedAt: oldest ?? undefined, jobs }
  }
}

const statement = (schema: string): string => `
WITH seen AS (
  SELECT locked_at, run_at, locked_at IS NULL AND attempts < max_attempts AS available FROM ${schema}.jobs LIMIT $1
)
SELECT
  count(*)::int AS jobs,
  (count(*) FILTER (WHERE available))::int AS pending,
  (count(*) FILTER (WHERE locked_at IS NOT NULL))::int AS running,
  (count(*) FILTER (WHERE locked_at IS NULL AND NOT available))::int AS failed,
  (count(*) FILTER (WHERE available AND run_at <= now()))::int AS depth,
  min(run_at) FILTER (WHERE available AND run_at <= now()) AS oldest
FROM seen`
