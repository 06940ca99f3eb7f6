export { buildInBackground } from './terminal/builds.js'
export { bold, dim, green, red, say, table } from './terminal/print.js'
export { untilSignal } from './terminal/signals.js'
