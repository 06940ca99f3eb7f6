export { sqlStateOf } from './errors.js'
export {
  readVersionSums,
  readVersionValues,
  type VersionSums,
  type VersionValues,
} from './reading/compare.js'
export { type HealthRecord, type InstanceHealth, readHealth } from './reading/health.js'
export { type JobsRecord, jobLimits, type QueueChecks, readJobs } from './reading/jobs.js'
export type { JobFigures, JobPhase, Spread } from './reading/jobs-figures.js'
export type { JobHost, QueueState } from './reading/jobs-hosts.js'
export type { JobsQuery } from './reading/jobs-window.js'
export { readNewest } from './reading/newest.js'
export type { OperationDetailRecord, OperationRecord } from './reading/operation-columns.js'
export type { OperationFilter } from './reading/operation-filter.js'
export {
  findOperation,
  keyAt,
  type OperationKey,
  type OperationSearch,
  searchOperations,
} from './reading/search-operations.js'
export { readSlowest } from './reading/slowest.js'
export { readStory, type StoryRecord } from './reading/story.js'
export { readUsersOf } from './reading/users.js'
export { inSnapshot } from './reading/value-snapshot.js'
export { readVersions, type VersionRecord } from './reading/versions.js'
export { jobPhases } from './rollups/sql/job-cells.js'
