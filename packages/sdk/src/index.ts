export { SdkError, type SdkErrorCode } from './errors.js'
export type { StartOptions } from './options.js'
export { start, type Throughline } from './start.js'
