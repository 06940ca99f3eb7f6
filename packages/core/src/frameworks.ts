export { fastifyCorrelation } from './adapters/fastify.js'
export { honoCorrelation } from './adapters/hono.js'
export { type LambdaOptions, lambdaHandler } from './adapters/lambda.js'
