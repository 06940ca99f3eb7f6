export { type Checks, readChecks } from './reading/checks.js'
export { readSynthetic, type StoredSynthetic } from './reading/synthetic.js'
export type { SyntheticRecord } from './synthetic-record.js'
