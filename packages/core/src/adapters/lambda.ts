import { context } from '@opentelemetry/api'
import { CORRELATION_HEADER } from '../correlation/propagator.js'
import { withHeader } from './lambda-http.js'
import { invocations, type LambdaOptions } from './lambda-invocation.js'
import { refuseStreamified } from './lambda-stream.js'

/**
 * Wraps an AWS Lambda handler: each invocation has its correlation ID and, of an HTTP event, the caller's trace; an HTTP answer carries
 * the ID in `x-correlation-id`; and before the answer is given, because Lambda freezes the process right after, everything recorded is
 * sent, in bounded time. The handler may answer by a promise, a value or its callback. A flush that fails or comes too late is counted
 * and changes nothing: what was not acknowledged stays in the spool for the next invocation.
 *
 * @example
 * export const handler = lambdaHandler(track('Orders.place', async (event: APIGatewayProxyEventV2) => ({ statusCode: 201 })))
 */
export function lambdaHandler<Event, Invocation, Answer>(
  handler: (
    event: Event,
    invocation: Invocation,
    callback: (error?: Error | string | null, answer?: Answer) => void,
    // biome-ignore lint/suspicious/noConfusingVoidType: Lambda's own handler types say it so
  ) => Promise<Answer> | Answer | void,
  options: LambdaOptions<NoInfer<Event>> = {},
): (event: Event, invocation: Invocation) => Promise<Answer> {
  refuseStreamified('lambdaHandler', handler)
  const around = invocations('lambdaHandler', options as LambdaOptions)

  return async (event, invocation) => {
    const { inside, id } = around.enter(event, invocation)
    try {
      const answer = await context.with(inside, () => call(handler, event, invocation))
      return withHeader(answer, CORRELATION_HEADER, id)
    } finally {
      await around.flush(invocation)
    }
  }
}

/** A handler with three parameters that returns nothing answers by its callback. */
function call<Event, Invocation, Answer>(
  handler: Parameters<typeof lambdaHandler<Event, Invocation, Answer>>[0],
  event: Event,
  invocation: Invocation,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const result = handler(event, invocation, (error, answer) => {
      if (error === undefined || error === null) resolve(answer as Answer)
      else reject(error)
    })
    if (result !== undefined || handler.length < 3) resolve(result as Answer | Promise<Answer>)
  })
}
