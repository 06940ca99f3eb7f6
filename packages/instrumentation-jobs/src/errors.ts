/**
 * - `TL_JOBS_OPTION`: an option of `instrumentJobs` is missing or out of its range; the only one that is thrown to the caller
 * - `TL_JOBS_STATE`: `state` answered something that tells nothing of a queue
 * - `TL_JOBS_TIMEOUT`: `state` did not answer in time
 */
export type JobsErrorCode = 'TL_JOBS_OPTION' | 'TL_JOBS_STATE' | 'TL_JOBS_TIMEOUT'

/** Its name is the `error.type` of a status check that failed. */
const NAMES: Record<JobsErrorCode, string> = {
  TL_JOBS_OPTION: 'JobsError',
  TL_JOBS_STATE: 'StateInvalid',
  TL_JOBS_TIMEOUT: 'StatusCheckTimeout',
}

export class JobsError extends Error {
  readonly code: JobsErrorCode

  constructor(code: JobsErrorCode, message: string) {
    super(message)
    this.code = code
    this.name = NAMES[code]
  }
}
