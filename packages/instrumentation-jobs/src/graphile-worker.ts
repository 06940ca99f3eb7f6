export { executionOf } from './adapters/executions.js'
export { withCarrier } from './graphile-worker/carrier.js'
export { queueState } from './graphile-worker/state.js'
export { task, tasks } from './graphile-worker/task.js'
