import Type, { type Static } from 'typebox'
import { closed, orNull, Time } from './common.js'

const Day = Type.String({ description: 'A day of UTC' })

export const SyntheticQuery = Type.Object(
  {
    id: Type.String({ pattern: '^[0-9a-f]{32}$', description: 'The trace ID of a synthetic operation' }),
  },
  closed,
)
export type SyntheticQuery = Static<typeof SyntheticQuery>

export const SyntheticAnswer = Type.Object(
  {
    id: Type.String(),
    record: orNull(
      Type.Object(
        {
          service: Type.String(),
          startedAt: orNull(Time),
          receivedAt: Time,
          recordedAt: Time,
        },
        {
          ...closed,
          description:
            'When its sender began it, when the recorder took it, when Postgres stored it, each by its own clock; null: it has not come, or more than an hour ago',
        },
      ),
    ),
  },
  closed,
)
export type SyntheticAnswer = Static<typeof SyntheticAnswer>

export const ChecksAnswer = Type.Object(
  {
    at: Type.String({ format: 'date-time', description: 'The clock of this recorder' }),
    fault: orNull(Type.String({ description: 'Why nothing is known of the database' })),
    database: orNull(
      Type.Object(
        {
          at: Time,
          version: Type.String(),
          schema: Type.Object(
            {
              applied: Type.Integer({ description: 'The highest migration that it has' }),
              known: Type.Integer({ description: 'The highest that this recorder knows' }),
              missing: Type.Array(Type.Integer()),
              fault: orNull(Type.String({ description: 'Why it cannot be brought to this version' })),
            },
            closed,
          ),
          partitions: Type.Object(
            {
              through: orNull(Day),
              missing: Type.Array(Day, { description: 'Days from today on that have none' }),
            },
            { ...closed, description: 'Of the days that the recorder makes ahead' },
          ),
        },
        closed,
      ),
    ),
  },
  closed,
)
export type ChecksAnswer = Static<typeof ChecksAnswer>
