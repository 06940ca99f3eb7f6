/** What `peers.mjs` bundles, so that the cases run in processes with other dependencies than ours. */
export { runCase } from './case.js'
export { groups } from './cases/index.js'
export { countUnhandled } from './unhandled.js'
