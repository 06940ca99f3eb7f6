import { lambdaHandler } from '@throughline/core/frameworks'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { place } from './orders.mts'

export const handler = lambdaHandler(
  async (event: APIGatewayProxyEventV2) => {
    const placed = await place(event.pathParameters?.id ?? '', JSON.parse(event.body ?? '{}'))
    return { statusCode: 201, body: JSON.stringify(placed) }
  },
  { flushTimeoutMs: 1_000 },
)
