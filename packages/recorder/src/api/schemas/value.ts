import Type, { type Static } from 'typebox'
import { closed, cutFields, orNull, Time } from './common.js'

export const PeriodQuery = Type.Object(
  {
    period: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 40,
        description:
          '`2026-10`, `2026-Q4`, `2026`, `2026-10-31` or `2026-10-01..2026-10-15`, days of UTC. Default: this month',
      }),
    ),
  },
  closed,
)
export type PeriodQuery = Static<typeof PeriodQuery>

const Period = Type.Object({ name: Type.String(), from: Time, until: Time, complete: Type.Boolean() }, closed)
const Decimal = Type.String({ description: 'Exact decimal' })
const FigureValue = orNull(
  Type.String({ description: 'Exact decimal, or a day; null: nothing to compute it from' }),
)

export const BusinessAnswer = Type.Object(
  {
    period: Period,
    currency: orNull(Type.String()),
    figures: Type.Record(Type.String(), FigureValue, {
      description: 'Under the further names that the value model gives: `monthly_cost_savings` and so on',
    }),
    values: Type.Array(
      Type.Object(
        {
          name: Type.String(),
          kind: Type.Union([Type.Literal('sum'), Type.Literal('histogram')]),
          currency: orNull(Type.String()),
          total: Decimal,
          entries: Type.Integer({ description: 'Records with such a value' }),
          labels: Type.Array(
            Type.Object(
              {
                labels: Type.Record(Type.String(), Type.String()),
                total: Decimal,
                entries: Type.Integer(),
              },
              closed,
            ),
          ),
        },
        closed,
      ),
    ),
    ...cutFields,
  },
  closed,
)
export type BusinessAnswer = Static<typeof BusinessAnswer>

const Figure = Type.Object(
  {
    name: Type.String(),
    value: FigureValue,
    unit: Type.String({ description: 'A currency, `h`, `ms`, `%`, `months`, `date` or `1`' }),
    formula: Type.String(),
    inputs: Type.Array(
      Type.Object(
        {
          name: Type.String(),
          value: Type.String(),
          unit: orNull(Type.String()),
          source: Type.Union([Type.Literal('rows'), Type.Literal('assumption'), Type.Literal('model')]),
          detail: Type.String({ description: 'Which rows, or which line of the model and when it holds' }),
        },
        closed,
      ),
    ),
    rows: Type.Integer({ description: 'Rows that it was computed from' }),
    sql: Type.String({ description: 'For psql: the same number from the rows' }),
    note: orNull(Type.String()),
  },
  closed,
)

export const ValueReport = Type.Object(
  {
    model: Type.String(),
    file: Type.String(),
    modelSha256: Type.String(),
    currency: Type.String(),
    period: Period,
    since: orNull(Type.String({ description: 'The first day whose savings count against the investment' })),
    figures: Type.Array(Figure),
    names: Type.Record(Type.String(), Type.String(), { description: 'Further names of figures' }),
    warnings: Type.Array(Type.String()),
    madeAt: Time,
  },
  closed,
)
export type ValueReport = Static<typeof ValueReport>

const FrozenAbout = {
  id: Type.String(),
  revision: Type.Integer(),
  frozenAt: Time,
  frozenBy: Type.String(),
  model: Type.String(),
  period: Type.String(),
  modelSha256: Type.String(),
}

const Moved = {
  from: orNull(Type.String()),
  to: orNull(Type.String()),
}

export const ValueAnswer = Type.Object(
  {
    report: ValueReport,
    conflicts: Type.Array(Type.Object({ source: Type.String(), message: Type.String() }, closed), {
      description: 'Claims of the model that do not follow from their own inputs',
    }),
    frozen: orNull(
      Type.Object(
        { ...FrozenAbout, report: ValueReport },
        {
          ...closed,
          description: 'The last frozen report of the period',
        },
      ),
    ),
    differences: Type.Array(
      Type.Object(
        {
          figure: Type.String(),
          frozen: FigureValue,
          now: FigureValue,
          reasons: Type.Array(
            Type.Union([
              Type.Object(
                {
                  kind: Type.Union([Type.Literal('late_rows'), Type.Literal('missing_rows')]),
                  rows: Type.Integer(),
                  ...Moved,
                },
                closed,
              ),
              Type.Object(
                { kind: Type.Literal('assumption'), changes: Type.Array(Type.String()), ...Moved },
                closed,
              ),
              Type.Object({ kind: Type.Literal('formula'), ...Moved }, closed),
            ]),
          ),
        },
        closed,
      ),
      { description: 'Where the report of today differs from the frozen one, and why' },
    ),
  },
  closed,
)
export type ValueAnswer = Static<typeof ValueAnswer>

export const FrozenListAnswer = Type.Object({ reports: Type.Array(Type.Object(FrozenAbout, closed)) }, closed)
export type FrozenListAnswer = Static<typeof FrozenListAnswer>

export const TrendQuery = Type.Object(
  {
    months: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 24, description: 'This one and those before. Default 12' }),
    ),
  },
  closed,
)
export type TrendQuery = Static<typeof TrendQuery>

export const TrendAnswer = Type.Object(
  {
    model: Type.String(),
    currency: Type.String(),
    months: Type.Array(
      Type.Object(
        {
          period: Type.String(),
          complete: Type.Boolean(),
          figures: Type.Record(Type.String(), FigureValue, { description: 'By their own names' }),
        },
        closed,
      ),
      { description: 'Ascending' },
    ),
  },
  closed,
)
export type TrendAnswer = Static<typeof TrendAnswer>

export const UpdateBusinessAnswer = Type.Object(
  {
    period: Period,
    gauges: Type.Integer({
      description:
        'How many went out over OTLP; 0: the recorder was given no place for them, and /metrics/prometheus has them',
    }),
    figures: Type.Record(Type.String(), FigureValue),
    madeAt: Time,
  },
  closed,
)
export type UpdateBusinessAnswer = Static<typeof UpdateBusinessAnswer>
