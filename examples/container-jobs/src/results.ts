import pg from 'pg'
import type { Outcome } from './run-job.js'

/** What is known of a job after its end, beside what the queue knows. */
export interface Result {
  containerId: string | null
  startedAt: Date | null
  finishedAt: Date
  exitCode: number | null
  errorType: string | null
  errorMessage: string | null
  log: string
}

export interface Results {
  save(jobId: string, outcome: Outcome): Promise<void>
  find(jobId: string): Promise<Result | undefined>
  /** Removes those that are older than the queue's own memory of their jobs. */
  forgetOld(): Promise<void>
  close(): Promise<void>
}

const SCHEMA = `
  CREATE SCHEMA IF NOT EXISTS container_jobs;
  CREATE TABLE IF NOT EXISTS container_jobs.results (
    job_id uuid PRIMARY KEY, container_id text, started_at timestamptz, finished_at timestamptz NOT NULL DEFAULT now(),
    exit_code int, error_type text, error_message text, log text NOT NULL);
  CREATE INDEX IF NOT EXISTS results_by_end ON container_jobs.results (finished_at);
`

export async function openResults(databaseUrl: string): Promise<Results> {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: 4,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 5_000,
  })
  // An idle connection that breaks is replaced at the next query; without a listener it would end the process.
  pool.on('error', () => {})
  await pool.query(SCHEMA)
  return {
    async save(jobId, { containerId, startedAt, exitCode, error, log }) {
      await pool.query(
        `INSERT INTO container_jobs.results (job_id, container_id, started_at, exit_code, error_type, error_message, log)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
        [jobId, containerId, startedAt, exitCode, error?.name, error?.message.slice(0, 1_000), log],
      )
    },
    async find(jobId) {
      const { rows } = await pool.query<Result>(
        `SELECT container_id AS "containerId", started_at AS "startedAt", finished_at AS "finishedAt", exit_code AS "exitCode",
                error_type AS "errorType", error_message AS "errorMessage", log
         FROM container_jobs.results WHERE job_id = $1`,
        [jobId],
      )
      return rows[0]
    },
    async forgetOld() {
      await pool.query("DELETE FROM container_jobs.results WHERE finished_at < now() - interval '7 days'")
    },
    close: () => pool.end(),
  }
}
