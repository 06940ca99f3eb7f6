import Type, { type Static } from 'typebox'
import { closed, orNull, Time } from './common.js'

const Count = Type.Integer({ minimum: 0 })
const Days = Type.Array(Type.String({ description: 'A day of UTC' }))

export const StatusAnswer = Type.Object(
  {
    status: Type.Union([Type.Literal('ok'), Type.Literal('unavailable')]),
    database: Type.String({ description: '`ok`, or the code of what is wrong' }),
    startedAt: Time,
    pending: Type.Object(
      { records: Count, bytes: Count },
      { ...closed, description: 'Records that wait for a write or are in one, bodies without an answer' },
    ),
    memory: Type.Object(
      { residentBytes: Count, heapBytes: Count, heapUsedBytes: Count, externalBytes: Count },
      closed,
    ),
    counters: Type.Record(Type.String(), Type.Number(), {
      description: 'Since its start: docs/reference/metrics.md',
    }),
    refusals: Type.Record(Type.String(), Type.Number(), {
      description: 'Requests that were not answered 200, by code',
    }),
    maintenance: orNull(
      Type.Object(
        {
          at: Time,
          created: Days,
          dropped: Days,
          merged: Count,
          faults: Type.Array(Type.String(), { description: 'What did not work; the next run tries again' }),
        },
        { ...closed, description: 'What the last run did; null: there was none yet' },
      ),
    ),
  },
  closed,
)
export type StatusAnswer = Static<typeof StatusAnswer>

// The answer stays below 50 KB; who has more gaps than this asks again from the last one.
export const maxRanges = 1_000

export const ConfirmQuery = Type.Object(
  {
    instance: Type.String({
      pattern: '^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$',
      description: '`throughline.instance` of the records, a UUID',
    }),
    after: Type.Optional(
      Type.String({
        pattern: '^[0-9]{1,15}$',
        description: 'A number: ranges that end at or before it are left out. Default 0',
      }),
    ),
  },
  closed,
)
export type ConfirmQuery = Static<typeof ConfirmQuery>

export const ConfirmAnswer = Type.Object(
  {
    instance: Type.String({ format: 'uuid' }),
    ranges: Type.Array(Type.Array(Count, { minItems: 2, maxItems: 2 }), {
      maxItems: maxRanges,
      description: 'First and last number, inclusive; ascending, neither touching nor overlapping',
    }),
    truncated: Type.Optional(
      Type.Literal(true, { description: 'There are more: ask with `after` set to the last end' }),
    ),
  },
  closed,
)
export type ConfirmAnswer = Static<typeof ConfirmAnswer>
