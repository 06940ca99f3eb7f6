export { type Drained, drainSpool } from './spool/drain.js'
export { inspectSpool, readRecords, type SpooledRecord, type SpoolFile } from './spool/inspect.js'
export { volatileSpool } from './spool/volatile.js'
