import Type, { type Static } from 'typebox'
import { closed, operationParameters, Time } from './common.js'
import { Operation } from './operation.js'
import { Figures } from './performance.js'

const { service, operation, operation_service } = operationParameters

export const StreamQuery = Type.Object(
  {
    service,
    operation,
    operation_service,
    outcome: Type.Optional(Type.Union([Type.Literal('success'), Type.Literal('failure')])),
    events: Type.Optional(
      Type.Union([Type.Literal('all'), Type.Literal('operations'), Type.Literal('figures')], {
        description: 'Default all',
      }),
    ),
  },
  closed,
)
export type StreamQuery = Static<typeof StreamQuery>

/** Event `operations`: what was stored since the last one. */
export const OperationsEvent = Type.Object(
  {
    operations: Type.Array(Operation, { description: 'Oldest first' }),
    skipped: Type.Boolean({ description: 'There were more than one look takes' }),
  },
  closed,
)
export type OperationsEvent = Static<typeof OperationsEvent>

/** Event `figures`: all operations of the last five minutes. */
export const FiguresEvent = Type.Object({ from: Time, until: Time, figures: Figures }, closed)
export type FiguresEvent = Static<typeof FiguresEvent>
