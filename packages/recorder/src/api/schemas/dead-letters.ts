import Type, { type Static } from 'typebox'
import { closed, cutFields, orNull, Time } from './common.js'

const letter = {
  id: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  parkedAt: Time,
  reason: Type.String(),
  sqlState: orNull(Type.String()),
  bytes: Type.Integer(),
  instance: orNull(Type.String()),
  seq: orNull(Type.String()),
  retries: Type.Integer(),
  retriedAt: orNull(Time),
}

export const DeadLettersQuery = Type.Object(
  { limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, description: 'Default 100' })) },
  closed,
)
export type DeadLettersQuery = Static<typeof DeadLettersQuery>

export const DeadLettersAnswer = Type.Object(
  {
    total: Type.Integer(),
    letters: Type.Array(Type.Object(letter, closed), { description: 'The newest first' }),
    ...cutFields,
  },
  closed,
)
export type DeadLettersAnswer = Static<typeof DeadLettersAnswer>

export const DeadLetterPath = Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{64}$' }) }, closed)

export const DeadLetterAnswer = Type.Object(
  { ...letter, body: Type.String({ description: 'What was parked, as text' }) },
  closed,
)
export type DeadLetterAnswer = Static<typeof DeadLetterAnswer>

export const RetryAnswer = Type.Object(
  {
    stored: Type.Integer({ description: 'Rows that are there now and were not before' }),
    known: Type.Integer({ description: 'Their row was there already' }),
    kept: Type.Array(Type.Object({ id: Type.String(), reason: Type.String() }, closed)),
  },
  closed,
)
export type RetryAnswer = Static<typeof RetryAnswer>
