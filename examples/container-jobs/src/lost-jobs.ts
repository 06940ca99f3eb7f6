import { lostJob } from '@throughline/instrumentation-jobs/pg-boss'
import { RunnerLost } from './errors.js'
import type { JobRequest } from './job-request.js'
import type { Parts } from './worker.js'

/** A runner that has kept a job's result tells the queue in the next moment. */
const GRACE = "interval '2 seconds'"

/** Those of which the result is kept, so their row is written, and the queue was never told. */
const ENDED = `
  SELECT j.id::text, r.error_type AS "errorType", r.exit_code AS "exitCode"
  FROM pgboss.job AS j JOIN container_jobs.results AS r ON r.job_id = j.id
  WHERE j.name = $1 AND j.state = 'active' AND r.finished_at < now() - ${GRACE}`

/** Those that the queue has failed, as nobody beat for them, and of which there is no result. Of several runners one gets each. */
const LOST = `
  INSERT INTO container_jobs.results (job_id, error_type, error_message, log)
  SELECT j.id, $2, $3, '' FROM pgboss.job AS j
  WHERE j.name = $1 AND j.state = 'failed' AND j.completed_on > now() - interval '1 day'
    AND NOT EXISTS (SELECT FROM container_jobs.results AS r WHERE r.job_id = j.id)
  ON CONFLICT DO NOTHING RETURNING job_id::text AS id`

/**
 * Settles what a runner that was killed has left behind: a job that had ended is what its result says, any other has failed with `RunnerLost`, in
 * a row like that of every job. Their containers are removed as those of any job that nobody runs.
 */
export async function settleLost({ queue, running, log }: Parts): Promise<void> {
  const { boss, jobs, name } = queue
  const query = async <T>(sql: string, ...values: unknown[]): Promise<T[]> =>
    ((await boss.getDb().executeSql(sql, [name, ...values])) as { rows: T[] }).rows

  for (const { id, errorType, exitCode } of await query<{
    id: string
    errorType: string | null
    exitCode: number | null
  }>(ENDED)) {
    if (running.has(id)) continue
    if (errorType === null) await boss.complete(name, id, { exitCode })
    else await boss.fail(name, id, { name: errorType })
    log.warn({ job: id }, 'the queue was told how a job of a lost runner had ended')
  }

  const lost = new RunnerLost()
  for (const { id } of await query<{ id: string }>(LOST, lost.name, lost.message)) {
    const [job] = await boss.findJobs<JobRequest>(name, { id })
    if (job === undefined) continue
    lostJob(jobs, job, lost, { type: ({ data }) => data.type })
    log.warn({ job: id }, 'job of a lost runner: failed')
  }
}
