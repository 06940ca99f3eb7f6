import { pipeline } from 'node:stream/promises'
import { lambdaStreamHandler } from '@throughline/core/frameworks'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { lines } from './lines.mts'

export const handler = awslambda.streamifyResponse(
  lambdaStreamHandler(async (event: APIGatewayProxyEventV2, stream: awslambda.HttpResponseStream) => {
    const answer = awslambda.HttpResponseStream.from(stream, { statusCode: 200 })
    await pipeline(lines(event.pathParameters?.id ?? ''), answer)
  }),
)
