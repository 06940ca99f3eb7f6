import Type, { type Static } from 'typebox'
import { closed, orNull, Time } from './common.js'

export const BusinessEntry = Type.Object(
  {
    name: Type.String(),
    labels: Type.Record(Type.String(), Type.String()),
    value: Type.String({ description: 'Exact decimal' }),
    kind: Type.Union([Type.Literal('sum'), Type.Literal('gauge'), Type.Literal('histogram')]),
  },
  closed,
)
export type BusinessEntry = Static<typeof BusinessEntry>

const identity = {
  startedAt: Time,
  traceId: Type.String({ pattern: '^[0-9a-f]{32}$' }),
  spanId: Type.String({ pattern: '^[0-9a-f]{16}$' }),
  correlationId: Type.String(),
  service: Type.String(),
  serviceVersion: orNull(Type.String()),
  operationService: Type.String(),
  operation: Type.String(),
  userId: orNull(Type.String()),
  durationMs: Type.Number({ minimum: 0 }),
  success: Type.Boolean(),
  errorType: orNull(Type.String()),
  jaegerUrl: orNull(Type.String({ description: 'The trace in Jaeger, when the recorder knows one' })),
}

/** One operation without what may be large. */
export const OperationBrief = Type.Object(identity, closed)
export type OperationBrief = Static<typeof OperationBrief>

const row = {
  ...identity,
  recordedAt: Time,
  parentSpanId: orNull(Type.String({ pattern: '^[0-9a-f]{16}$' })),
  errorMessage: orNull(Type.String()),
  metadata: Type.Unknown({ description: 'Mostly an object; null: none' }),
  business: Type.Array(BusinessEntry, { description: 'What can be read of the business values' }),
}

export const Operation = Type.Object(row, closed)
export type Operation = Static<typeof Operation>

/** All that the row has. */
export const OperationDetail = Type.Object(
  {
    ...row,
    errorStack: orNull(Type.String()),
    instance: orNull(Type.String({ format: 'uuid' })),
    seq: orNull(Type.String({ description: 'Decimal digits' })),
  },
  closed,
)
export type OperationDetail = Static<typeof OperationDetail>
