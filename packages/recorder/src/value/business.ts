import { readBusiness } from '@throughline/postgres/rollups'
import type { Pool } from 'pg'
import { figureOf, type ValueReport } from './figure.js'
import { fixed, fractionOf, plus } from './fraction.js'
import type { ValueModel } from './model.js'
import { periodOf } from './period.js'
import { type ReportOptions, valueReport } from './report.js'

/** One business value: its sum over all labels but the currency, and each set of labels by itself. */
export type BusinessTotal = {
  name: string
  kind: 'sum' | 'histogram'
  currency: string | null
  /** Exact decimal. */
  total: string
  entries: number
  labels: { labels: Record<string, string>; total: string; entries: number }[]
}

export type BusinessReport = {
  period: { name: string; from: string; until: string; complete: boolean }
  currency: string | null
  /** Under the further names of the model: exact decimals, of a break-even a date. */
  figures: Record<string, string | null>
  values: BusinessTotal[]
  /** There were more sets of labels than `limit`. */
  truncated: boolean
}

/** The figures that the model gives names to, and all business values of the period; without a model the values alone. */
export const businessReport = async (
  pool: Pool,
  model: ValueModel | undefined,
  options: ReportOptions & {
    /** Sets of labels at most. Default 1,000. */
    limit?: number
    /** Default: one is made. */
    report?: Promise<ValueReport>
  } = {},
): Promise<BusinessReport> => {
  const now = options.now ?? new Date()
  const { name, from, until, complete } = periodOf(options.period, now)
  const [report, { sums, cut }] = await Promise.all([
    options.report ?? (model && valueReport(pool, model, { ...options, now })),
    readBusiness(pool, { from, until, limit: options.limit ?? 1_000 }),
  ])
  const totals = new Map<string, BusinessTotal>()
  for (const { name: value, kind, labels, sum, entries } of sums) {
    const currency = labels.currency ?? null
    const key = JSON.stringify([value, kind, currency])
    const total = totals.get(key) ?? { name: value, kind, currency, total: '0', entries: 0, labels: [] }
    total.total = added(total.total, sum)
    total.entries += entries
    total.labels.push({ labels, total: sum, entries })
    totals.set(key, total)
  }
  return {
    period: { name, from: from.toISOString(), until: until.toISOString(), complete },
    currency: model?.currency ?? null,
    figures: Object.fromEntries(
      Object.keys(report?.names ?? {}).map((alias) => [alias, figureOf(report!, alias)?.value ?? null]),
    ),
    values: [...totals].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, total]) => total),
    truncated: cut,
  }
}

/** What has more digits than a fraction reads stays as it is, beside the labels that it is the sum of. */
const added = (a: string, b: string): string => {
  const [one, other] = [fractionOf(a), fractionOf(b)]
  if (one === undefined || other === undefined) return b
  const places = Math.max(...[a, b].map((text) => text.split('.')[1]?.length ?? 0))
  return fixed(plus(one, other), places)
}
