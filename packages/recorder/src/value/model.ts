import type { BusinessSource, RowFilter } from '@throughline/postgres/value'

/** A value and the days it holds for; both days are included, null is open. */
export type DatedValue = { value: string; from: string | null; to: string | null; line: number }

/** A number that nobody measured. `name` is its key under `assumptions`, else where it is written. */
export type Assumption = {
  name: string
  unit: string | null
  about: string | null
  source: string | null
  values: readonly DatedValue[]
}

export type ValuedOperation = {
  name: string
  about: string | null
  filter: RowFilter
  minutesSaved: Assumption | null
  hourlyRate: Assumption | null
  business: BusinessSource | null
}

export type Ratio = { name: string; about: string | null; numerator: RowFilter; denominator: RowFilter }

export type Investment = { on: string; amount: string; for: string | null; line: number }

/** What was promised before anything was measured: the product of its factors is a year's savings. */
export type Plan = {
  about: string | null
  factors: readonly { name: string; value: string; line: number }[]
}

/** Figures that somebody stated together. */
export type Claim = {
  source: string
  perMonth: boolean
  /** The day whose assumptions hold for it; null: the latest. */
  on: string | null
  figures: readonly { name: string; value: string; line: number }[]
}

/** What is promised of one operation. Shares are 0 to 1. */
export type Objective = {
  name: string
  about: string | null
  operationService: string
  operation: string
  /** Null: of all deployed services. */
  service: string | null
  /** How many of them succeed, at least. */
  success: number | null
  /** Types of errors that are answers rather than faults: they do not count. */
  leaveOut: readonly string[]
  /** How many of them take no longer than that, at least. */
  latency: { share: number; withinMs: number } | null
  windowDays: number
}

export type ValueModel = {
  name: string
  /** Its name without the folder: it stands in reports, and where it lies on a server is nobody's business. */
  file: string
  text: string
  sha256: string
  currency: string
  /** Decimal places of the currency. */
  scale: number
  about: string | null
  /** From which day on savings count against the investment. */
  since: string | null
  assumptions: readonly Assumption[]
  investments: readonly Investment[]
  eligibleUsers: Assumption | null
  /** Operation services whose users count as active. */
  adoption: readonly string[]
  operations: readonly ValuedOperation[]
  ratios: readonly Ratio[]
  plan: Plan | null
  objectives: readonly Objective[]
  /** Further names of figures. */
  names: Readonly<Record<string, string>>
  claims: readonly Claim[]
}

/** The value that holds on a day. */
export const valueOn = (assumption: Assumption, day: string): DatedValue | undefined =>
  assumption.values.find(({ from, to }) => (from === null || from <= day) && (to === null || day <= to))

/** The names of all figures that a model has. */
export const figureNames = (
  model: Pick<ValueModel, 'operations' | 'ratios' | 'plan' | 'investments' | 'eligibleUsers'>,
): string[] => [
  ...perOperation,
  'active_users',
  ...(model.eligibleUsers === null ? [] : ['adoption_percent']),
  ...model.operations.flatMap(({ name }) => perOperation.map((figure) => `${name}.${figure}`)),
  ...model.ratios.map((ratio) => `ratio.${ratio.name}`),
  'yearly_savings_projected',
  ...(model.investments.length === 0 ? [] : withInvestment),
  ...(model.plan === null ? [] : ['planned_yearly_savings']),
  ...(model.plan === null || model.investments.length === 0
    ? []
    : ['planned_savings_over_cost_percent', 'planned_net_roi_percent']),
]

export const perOperation = ['successes', 'average_ms', 'hours_saved', 'savings'] as const

const withInvestment = [
  'savings_to_date',
  'investment_to_date',
  'net_value',
  'savings_over_cost_percent',
  'net_roi_percent',
  'payback_months',
  'break_even_date',
]
