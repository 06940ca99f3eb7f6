import Type, { type Static } from 'typebox'
import { closed, cutFields, operationParameters, orNull, Time, Window, windowParameters } from './common.js'
import { Operation } from './operation.js'

const searchParameters = {
  ...windowParameters,
  ...operationParameters,
  correlation_id: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 512,
      description: 'All of one ID, oldest first, in all time unless a window is given',
    }),
  ),
  trace_id: Type.Optional(Type.String({ pattern: '^[0-9a-fA-F]{32}$' })),
  outcome: Type.Optional(Type.Union([Type.Literal('success'), Type.Literal('failure')])),
  error_type: Type.Optional(Type.String({ minLength: 1, maxLength: 512 })),
  metadata: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1_024,
      description: 'A key that is there, or `key:value` with a JSON value or a text',
    }),
  ),
  order: Type.Optional(
    Type.Union([Type.Literal('asc'), Type.Literal('desc')], {
      description: 'By start. Default desc; of one correlation or trace ID asc',
    }),
  ),
  cursor: Type.Optional(
    Type.String({ pattern: '^[A-Za-z0-9_-]{1,200}$', description: '`next` of the page before' }),
  ),
}

export const OperationsQuery = Type.Object(
  {
    ...searchParameters,
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, description: 'Default 100' })),
  },
  closed,
)
export type OperationsQuery = Static<typeof OperationsQuery>

/** One correlation ID as a whole, whatever page of it is shown. */
export const Story = Type.Object(
  {
    correlationId: Type.String(),
    startedAt: Time,
    endedAt: Time,
    durationMs: Type.Number({ minimum: 0 }),
    count: Type.Integer({ minimum: 1 }),
    failures: Type.Integer({ minimum: 0 }),
    services: Type.Array(Type.String(), {
      description: 'In the order of their first operation, at most 100',
    }),
    users: Type.Array(Type.String(), { description: 'At most 100' }),
    traces: Type.Array(Type.Object({ traceId: Type.String(), jaegerUrl: orNull(Type.String()) }, closed), {
      description: 'In the order of their start, at most 100',
    }),
    business: Type.Array(
      Type.Object(
        {
          name: Type.String(),
          currency: orNull(Type.String()),
          total: Type.String({ description: 'Exact decimal' }),
          entries: Type.Integer(),
        },
        closed,
      ),
      { description: 'Sums; gauges are none' },
    ),
  },
  closed,
)
export type Story = Static<typeof Story>

export const OperationsAnswer = Type.Object(
  {
    window: Type.Object({ from: orNull(Time), until: orNull(Time) }, closed),
    operations: Type.Array(Operation),
    next: orNull(Type.String({ description: 'cursor of the next page; null: this was the last' })),
    story: orNull(Story),
    ...cutFields,
  },
  closed,
)
export type OperationsAnswer = Static<typeof OperationsAnswer>

export const OperationPath = Type.Object(
  {
    trace_id: Type.String({ pattern: '^[0-9a-fA-F]{32}$' }),
    span_id: Type.String({ pattern: '^[0-9a-fA-F]{16}$' }),
  },
  closed,
)

export const OperationQuery = Type.Object(
  {
    at: Type.Optional(
      Type.String({
        format: 'date-time',
        description:
          'Its `startedAt`, where it is known: found at once. Without it days are searched from the newest on',
      }),
    ),
  },
  closed,
)

export const ExportQuery = Type.Object(
  {
    ...searchParameters,
    format: Type.Optional(
      Type.Union([Type.Literal('ndjson'), Type.Literal('csv')], { description: 'Default ndjson' }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'Default 100,000' })),
  },
  closed,
)
export type ExportQuery = Static<typeof ExportQuery>

export const UsersQuery = Type.Object(
  {
    ...windowParameters,
    ...operationParameters,
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, description: 'Default 20' })),
  },
  closed,
)
export type UsersQuery = Static<typeof UsersQuery>

export const UsersAnswer = Type.Object(
  {
    window: Window,
    users: Type.Integer({ minimum: 0, description: 'Different users with an operation' }),
    count: Type.Integer({ minimum: 0, description: 'Operations of a user' }),
    failures: Type.Integer({ minimum: 0 }),
    top: Type.Array(
      Type.Object({ user: Type.String(), count: Type.Integer(), failures: Type.Integer() }, closed),
      { description: 'Those with the most operations first' },
    ),
    ...cutFields,
  },
  closed,
)
export type UsersAnswer = Static<typeof UsersAnswer>
