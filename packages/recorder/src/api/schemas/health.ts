import Type, { type Static } from 'typebox'
import { closed, cutFields, orNull, Time } from './common.js'

const State = Type.Union([
  Type.Literal('ok'),
  Type.Literal('warning'),
  Type.Literal('down'),
  Type.Literal('unknown'),
])

export const Hop = Type.Object(
  {
    name: Type.Union([
      Type.Literal('services'),
      Type.Literal('collector'),
      Type.Literal('recorder'),
      Type.Literal('postgres'),
      Type.Literal('rollups'),
      Type.Literal('jaeger'),
      Type.Literal('prometheus'),
      Type.Literal('cloudwatch'),
    ]),
    state: State,
    /** Why it is not ok, or what it is at. */
    detail: Type.String(),
    backlog: orNull(
      Type.Object(
        { value: Type.Number({ minimum: 0 }), unit: Type.String() },
        {
          ...closed,
          description: 'What waits there; null: not known',
        },
      ),
    ),
    dropped: orNull(Type.Number({ minimum: 0, description: 'What was given up there; null: not known' })),
    lastSuccess: orNull(Time),
  },
  closed,
)
export type Hop = Static<typeof Hop>

export const HealthAnswer = Type.Object(
  {
    state: State,
    at: Time,
    hops: Type.Array(Hop, { description: 'In the direction of the data' }),
    instances: Type.Array(
      Type.Object(
        {
          instance: Type.String({ format: 'uuid' }),
          service: orNull(Type.String()),
          version: orNull(Type.String()),
          host: orNull(Type.String()),
          startedAt: orNull(Time),
          stoppedAt: orNull(Time),
          stopReason: orNull(Type.String()),
          delivered: Type.Integer({ description: 'Numbers that are committed' }),
          redelivered: Type.Integer({ description: 'Records that came again' }),
          missing: Type.Integer({
            description:
              'Numbers below the highest that is known which are not committed: they wait, or are lost',
          }),
          lastDeliveredAt: orNull(Time),
        },
        closed,
      ),
      { description: 'Processes and threads that delivered in the last 24 hours, at most 200' },
    ),
    deadLetters: Type.Object(
      {
        total: Type.Integer(),
        reasons: Type.Array(Type.Object({ reason: Type.String(), count: Type.Integer() }, closed), {
          description: 'The most frequent first, at most 20',
        }),
      },
      closed,
    ),
    counters: Type.Record(Type.String(), Type.Number(), {
      description: 'Of this recorder since its start: docs/reference/metrics.md',
    }),
    ...cutFields,
  },
  closed,
)
export type HealthAnswer = Static<typeof HealthAnswer>

export const SessionAnswer = Type.Object(
  {
    role: Type.Union([Type.Literal('ingest'), Type.Literal('read'), Type.Literal('admin')]),
    auth: Type.Union([Type.Literal('required'), Type.Literal('off')]),
    jaegerUrl: orNull(Type.String()),
    prometheusUrl: orNull(Type.String()),
    seriesLink: orNull(
      Type.String({ description: 'Where series are shown, with `{query}` in it; null: at prometheusUrl' }),
    ),
    valueModel: orNull(Type.String({ description: 'Name of the value model' })),
    retentionDays: Type.Integer(),
  },
  closed,
)
export type SessionAnswer = Static<typeof SessionAnswer>
