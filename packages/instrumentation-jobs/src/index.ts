export { JobsError } from './errors.js'
export { instrumentJobs } from './instrument.js'
export type {
  BegunJob,
  EnqueuedJob,
  Job,
  JobCarrier,
  JobExecution,
  JobPhase,
  JobState,
  Jobs,
  JobsOptions,
} from './types.js'
