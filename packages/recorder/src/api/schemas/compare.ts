import Type, { type Static } from 'typebox'
import {
  closed,
  cutFields,
  ErrorCount,
  Filter,
  operationParameters,
  orNull,
  Time,
  Window,
  windowParameters,
} from './common.js'

const { service, operation, operation_service } = operationParameters
const Version = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 512, description }))

export const CompareQuery = Type.Object(
  {
    ...windowParameters,
    service,
    operation,
    operation_service,
    by: Type.Optional(Type.Literal('version')),
    new: Version('Default: the version that was seen first the latest'),
    old: Version('Default: the one before it'),
    confidence: Type.Optional(
      Type.Number({
        minimum: 0.5,
        maximum: 0.9999,
        description: 'How sure a difference must be to be called one. Default 0.99',
      }),
    ),
    least: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 10,
        description: 'Smaller relative changes of durations and values are called noise. Default 0.05',
      }),
    ),
  },
  closed,
)
export type CompareQuery = Static<typeof CompareQuery>

const Side = Type.Object(
  {
    version: orNull(Type.String({ description: 'null: operations without a version' })),
    firstSeen: Time,
    lastSeen: Time,
    count: Type.Integer({ minimum: 1 }),
    failures: Type.Integer({ minimum: 0 }),
    successRate: Type.Number({ minimum: 0, maximum: 1 }),
    averageMs: Type.Number(),
    p50Ms: Type.Number(),
    p95Ms: Type.Number(),
    p99Ms: Type.Number(),
    errors: Type.Array(ErrorCount),
  },
  closed,
)

export const Finding = Type.Object(
  {
    what: Type.Union([
      Type.Literal('failures'),
      Type.Literal('error_type'),
      Type.Literal('latency'),
      Type.Literal('tail'),
      Type.Literal('value'),
    ]),
    name: orNull(Type.String({ description: 'The error type, or the business value and its currency' })),
    old: orNull(Type.Number()),
    new: orNull(Type.Number()),
    change: orNull(
      Type.Number({ description: 'new against old: 0.1 is a tenth more; of rates the difference' }),
    ),
    interval: orNull(
      Type.Object(
        { low: Type.Number(), high: Type.Number() },
        {
          ...closed,
          description: 'Where the true change lies, at this confidence',
        },
      ),
    ),
    pValue: orNull(Type.Number({ minimum: 0, maximum: 1 })),
    verdict: Type.Union(
      [
        Type.Literal('worse'),
        Type.Literal('better'),
        Type.Literal('different'),
        Type.Literal('noise'),
        Type.Literal('too few'),
      ],
      { description: 'noise: the difference may be chance; too few: not enough operations to say' },
    ),
    text: Type.String(),
  },
  closed,
)
export type Finding = Static<typeof Finding>

export const CompareAnswer = Type.Object(
  {
    window: Window,
    filter: Filter,
    by: Type.Literal('version'),
    confidence: Type.Number(),
    old: orNull(Side),
    new: orNull(Side),
    findings: Type.Array(Finding),
    verdict: Type.Union([
      Type.Literal('worse'),
      Type.Literal('better'),
      Type.Literal('noise'),
      Type.Literal('too few'),
    ]),
    text: Type.String(),
    ...cutFields,
  },
  closed,
)
export type CompareAnswer = Static<typeof CompareAnswer>
