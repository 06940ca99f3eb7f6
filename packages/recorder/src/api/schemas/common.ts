import Type, { type Static, type TSchema } from 'typebox'

/** All objects of the API: what is not in the schema is not in the answer, and not taken as a parameter. */
export const closed = { additionalProperties: false } as const

export const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

/** RFC 3339 in UTC, to the microsecond where a row has it. */
export const Time = Type.String({ format: 'date-time', description: 'RFC 3339, UTC' })
const Name = (description: string) => Type.String({ minLength: 1, maxLength: 512, description })

/** RFC 9457. */
export const Problem = Type.Object(
  {
    type: Type.String({ description: 'about:blank, or where the code is described' }),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String({ description: 'What was wrong here, and the way out' }),
    code: Type.String({ description: 'Stable: one of docs/reference/errors.md, or HTTP' }),
  },
  closed,
)
export type Problem = Static<typeof Problem>

/** What every answer that is cut says. */
export const cutFields = {
  truncated: Type.Boolean({ description: 'A limit left something out' }),
  cuts: Type.Array(Type.String(), { description: 'What was left out, and why' }),
}

export const windowParameters = {
  hours: Type.Optional(
    Type.Number({
      exclusiveMinimum: 0,
      maximum: 9_600,
      description: 'How long the window is; it ends now, or at until, or begins at from. Default 24',
    }),
  ),
  from: Type.Optional(Type.String({ format: 'date-time', description: 'Start of the window' })),
  until: Type.Optional(
    Type.String({ format: 'date-time', description: 'Its end, not included; default now' }),
  ),
}

export const operationParameters = {
  service: Type.Optional(Name('`service.name` of the deployed service')),
  version: Type.Optional(Name('`service.version`')),
  operation: Type.Optional(
    Name(
      '`AllocationService.autoAllocate`, split at its last dot; without a dot, or with operation_service, the name alone',
    ),
  ),
  operation_service: Type.Optional(Name('The class or module of the operation')),
  user: Type.Optional(Name('`user.id`; figures of one user come from the rows')),
}

export const Window = Type.Object({ from: Time, until: Time }, closed)

/** What the answer is about; null: all of them. */
export const Filter = Type.Object(
  {
    service: orNull(Type.String()),
    version: orNull(Type.String()),
    operationService: orNull(Type.String()),
    operation: orNull(Type.String()),
    user: orNull(Type.String()),
  },
  closed,
)
export type Filter = Static<typeof Filter>

export const ErrorCount = Type.Object(
  {
    type: orNull(Type.String({ description: 'null: failures without a type' })),
    count: Type.Integer({ minimum: 1 }),
  },
  closed,
)
