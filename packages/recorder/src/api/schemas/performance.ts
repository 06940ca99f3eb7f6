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
import { OperationBrief } from './operation.js'

export const PerformanceQuery = Type.Object(
  {
    ...windowParameters,
    ...operationParameters,
    step: Type.Optional(
      Type.String({
        pattern: '^[1-9][0-9]{0,4}[mhd]$',
        description: '`5m`, `1h`, `1d`: whole minutes. Default: about a hundred steps. At most 1,500 steps',
      }),
    ),
    top: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 200, description: 'Operations that are listed. Default 20' }),
    ),
    slowest: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 50, description: 'Slowest operations listed. Default 10' }),
    ),
  },
  closed,
)
export type PerformanceQuery = Static<typeof PerformanceQuery>

const Milliseconds = orNull(Type.Number({ minimum: 0 }))

const figures = {
  count: Type.Integer({ minimum: 0 }),
  failures: Type.Integer({ minimum: 0 }),
  successRate: orNull(Type.Number({ minimum: 0, maximum: 1, description: '0 to 1; null: no operation' })),
  perSecond: Type.Number({ minimum: 0 }),
  averageMs: Milliseconds,
  p50Ms: Milliseconds,
  p95Ms: Milliseconds,
  p99Ms: Milliseconds,
  maxMs: Milliseconds,
}

/** Percentiles are within 1.09 % of those of the rows; everything else is exact. */
export const Figures = Type.Object(figures, closed)
export type Figures = Static<typeof Figures>

const Change = orNull(Type.Number())

const Objective = Type.Object(
  {
    name: Type.String(),
    about: orNull(Type.String()),
    service: orNull(Type.String({ description: 'null: all services' })),
    operationService: Type.String(),
    operation: Type.String(),
    window: Type.Object({ ...Window.properties, days: Type.Integer({ minimum: 1 }) }, closed),
    leaveOut: Type.Array(Type.String(), { description: 'Types of errors that do not count' }),
    goals: Type.Array(
      Type.Object(
        {
          kind: Type.Union([Type.Literal('success'), Type.Literal('latency')]),
          withinMs: orNull(Type.Number({ description: 'Of latency: what is no slower is kept' })),
          target: Type.Number({ description: 'Share that is promised, 0 to 1' }),
          counted: Type.Integer({ minimum: 0, description: 'Operations of the window that count' }),
          missed: Type.Integer({ minimum: 0, description: 'of them those that failed, or were slower' }),
          allowed: Type.Number({ minimum: 0, description: 'How many may be missed: the error budget' }),
          reached: orNull(Type.Number({ description: 'Share that was kept; null: none counted' })),
          met: orNull(Type.Boolean()),
          budgetLeft: orNull(
            Type.Number({ description: '1: untouched, 0: used up, below 0: the objective is missed' }),
          ),
          burnRate: orNull(
            Type.Number({
              description: 'In the window that is asked for: at 1 the budget lasts as long as its window',
            }),
          ),
        },
        closed,
      ),
    ),
  },
  closed,
)

export const PerformanceAnswer = Type.Object(
  {
    window: Type.Object({ from: Time, until: Time, stepMs: Type.Integer() }, closed),
    filter: Filter,
    source: Type.Object(
      {
        fromSums: Type.Integer({ description: 'Operations of `total` that were read from sums' }),
        fromRows: Type.Integer({ description: 'and from rows, as their minutes are not summed up yet' }),
      },
      closed,
    ),
    total: Figures,
    before: Type.Object({ ...Window.properties, figures: Figures }, closed),
    change: Type.Object(
      {
        count: Change,
        successRate: Change,
        averageMs: Change,
        p50Ms: Change,
        p95Ms: Change,
        p99Ms: Change,
      },
      {
        ...closed,
        description:
          'Against the window before: 0.1 is a tenth more; of successRate the difference. null: nothing to compare',
      },
    ),
    steps: Type.Array(Type.Object({ start: Time, ...figures }, closed), {
      description: 'Ascending; steps without an operation are left out',
    }),
    operations: Type.Array(
      Type.Object(
        {
          service: Type.String(),
          operationService: Type.String(),
          operation: Type.String(),
          ...figures,
        },
        closed,
      ),
      { description: 'The most frequent first' },
    ),
    errors: Type.Array(ErrorCount, { description: 'The most frequent first' }),
    otherErrors: Type.Integer({ description: 'Failures of types that are not listed' }),
    distribution: Type.Array(
      Type.Object(
        { fromMs: Type.Number(), toMs: Type.Number(), count: Type.Integer({ minimum: 1 }) },
        closed,
      ),
      { description: 'How many operations took so long; ascending, eight steps a doubling' },
    ),
    versions: Type.Array(
      Type.Object(
        {
          service: Type.String(),
          version: orNull(Type.String()),
          firstSeen: Time,
          lastSeen: Time,
          count: Type.Integer({ minimum: 1 }),
          deployed: Type.Boolean({ description: 'Its first operation lies in the window' }),
        },
        closed,
      ),
      { description: 'Versions of the services that had operations in the window, by firstSeen' },
    ),
    objectives: Type.Array(Objective, {
      description:
        'What the value model promises of the one operation that is asked for, each over its own window',
    }),
    slowest: Type.Array(OperationBrief, { description: 'The slowest first' }),
    ...cutFields,
  },
  closed,
)
export type PerformanceAnswer = Static<typeof PerformanceAnswer>
