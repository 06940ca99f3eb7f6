export { RecorderError } from './errors.js'
export type { LogLine } from './fault-log.js'
export type { RecorderOptions } from './options.js'
export { createRecorder, type Recorder } from './recorder.js'
