/** Compiled, never run: wrapped handlers are what Lambda's own types ask for. Each `@ts-expect-error` must be one. */
import { lambdaHandler, lambdaStreamHandler } from '@throughline/core/frameworks'
import type {
  APIGatewayProxyHandlerV2,
  APIGatewayProxyResultV2,
  Context,
  SQSEvent,
  SQSHandler,
  StreamifyHandler,
} from 'aws-lambda'

export const written: APIGatewayProxyHandlerV2 = lambdaHandler(async () => ({ statusCode: 204 }))

const typed: APIGatewayProxyHandlerV2 = async (event) => ({ statusCode: 200, body: event.rawPath })
export const given: APIGatewayProxyHandlerV2 = lambdaHandler(typed)

export const queue: SQSHandler = lambdaHandler(async (event: SQSEvent) => void event.Records.length, {
  id: (event) => event.Records[0]?.messageAttributes['x-correlation-id']?.stringValue,
})

export const byCallback: (event: { a: number }, context: Context) => Promise<string> = lambdaHandler(
  (event: { a: number }, _context: Context, callback: (error?: Error | null, answer?: string) => void) =>
    callback(null, String(event.a)),
)

export const streamed: StreamifyHandler<{ a: number }, void> = awslambda.streamifyResponse(
  lambdaStreamHandler(
    async (event: { a: number }, stream: awslambda.HttpResponseStream, context: Context) => {
      stream.setContentType('text/plain')
      stream.end(`${event.a} ${context.awsRequestId}`)
    },
  ),
)

// @ts-expect-error an ID is text
lambdaHandler(async (event: SQSEvent) => event.Records.length, { id: (event) => event.Records.length })

export type Answer = APIGatewayProxyResultV2
