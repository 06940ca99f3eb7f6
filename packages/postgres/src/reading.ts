export { sqlStateOf } from './errors.js'
export {
  readSeenVersions,
  readVersionSums,
  readVersionValues,
  type SeenVersion,
  type VersionSums,
  type VersionValues,
} from './reading/compare.js'
export { type HealthRecord, type InstanceHealth, readHealth } from './reading/health.js'
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
