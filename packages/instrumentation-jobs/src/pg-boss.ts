export { executionOf } from './adapters/executions.js'
export { withCarrier } from './pg-boss/carrier.js'
export { type HandlerOptions, handler } from './pg-boss/handler.js'
export { queueState } from './pg-boss/state.js'
