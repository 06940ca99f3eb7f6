import type { Jobs } from '../types.js'
import { describe, takeCarrier } from './carrier.js'
import { type HandlerOptions, typeOf } from './handler.js'
import type { PgBossJob } from './types.js'

/**
 * Records a job that pg-boss has failed without its handler's knowledge, such as one whose process was killed: a row with this error, in the
 * trace and under the correlation ID of who sent it. `job` is as `findJobs` gives it, and its data are what was sent then. Of several
 * processes one must do it.
 */
export const lostJob = <J extends PgBossJob>(
  jobs: Jobs,
  job: J,
  error: unknown,
  options: HandlerOptions<J> = {},
): void => {
  const carrier = takeCarrier(job)
  jobs.lost(describe(job, typeOf(options, job), carrier), error)
}
