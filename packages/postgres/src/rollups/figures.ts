import { type Histogram, mergeHistograms, parseHistograms, percentilesUs } from './histogram.js'
import { textOrNull } from './window.js'

export type OperationFigures = {
  /** Start of the step; of the window without steps. */
  start: Date
  /** Null where the figures are not split by it. */
  service: string | null
  version: string | null
  operationService: string | null
  operation: string | null
  count: number
  failures: number
  /** 0 to 1. */
  successRate: number
  averageMs: number
  minMs: number
  maxMs: number
  /** Of `percentile_cont`, at most 1.09 % off. */
  p50Ms: number
  p95Ms: number
  p99Ms: number
  /** The most frequent first; null: failures without a type. */
  errors: { type: string | null; count: number }[]
  /** Failures of the types that are not listed: sums keep 20 types an operation. */
  otherErrors: number
  /** How many of `count` were read from rows, as their minutes are not summed up yet. */
  fromRows: number
  histogram: Histogram
}

/** The sums of a group, as the statement answers them. */
export type Group = {
  start: Date
  service: string | null
  service_version: string | null
  operation_service: string | null
  operation: string | null
  count: string
  failures: string
  sum_us: string
  min_us: string
  max_us: string
  other_errors: string
  live: string
  /** Of each histogram the group is made of, one after the other. */
  buckets: string
  bucket_counts: string
  /** Types and counts, of each part that has any. */
  errors: [string[], number[]][] | null
}

/** By start, then the most frequent first; of more than `limit` the largest. */
export const figuresOf = (
  groups: readonly Group[],
  limit: number,
): { figures: OperationFigures[]; cut: boolean } => {
  const all = groups.map((group) => ({ key: keyOf(group), figures: figuresOfGroup(group) }))
  const byKey = (a: { key: string }, b: { key: string }): number => (a.key < b.key ? -1 : 1)
  all.sort((a, b) => b.figures.count - a.figures.count || byKey(a, b))
  const kept = all.slice(0, limit)
  kept.sort((a, b) => a.figures.start.getTime() - b.figures.start.getTime())
  return { figures: kept.map(({ figures }) => figures), cut: all.length > limit }
}

const keyOf = ({ start, service, service_version, operation_service, operation }: Group): string =>
  JSON.stringify([start, service, service_version, operation_service, operation])

const figuresOfGroup = (group: Group): OperationFigures => {
  const errors = new Map<string | null, number>()
  for (const [types, counts] of group.errors ?? [])
    for (const [at, text] of types.entries()) {
      const type = textOrNull(text)
      errors.set(type, (errors.get(type) ?? 0) + counts[at]!)
    }
  return {
    start: group.start,
    service: group.service,
    version: group.service_version || null,
    operationService: group.operation_service,
    operation: group.operation,
    ...measuresOf({
      count: Number(group.count),
      failures: Number(group.failures),
      sumUs: Number(group.sum_us),
      histogram: parseHistograms(
        group.buckets,
        group.bucket_counts,
        Number(group.min_us),
        Number(group.max_us),
      ),
    }),
    errors: sortedErrors(errors),
    otherErrors: Number(group.other_errors),
    fromRows: Number(group.live),
  }
}

const sortedErrors = (errors: ReadonlyMap<string | null, number>): OperationFigures['errors'] =>
  [...errors]
    .map(([type, count]) => ({ type, count }))
    .sort((a, b) => b.count - a.count || ((a.type ?? '') < (b.type ?? '') ? -1 : 1))

type Measured = { count: number; failures: number; sumUs: number; histogram: Histogram }

const measuresOf = ({ count, failures, sumUs, histogram }: Measured) => {
  const [p50 = 0, p95 = 0, p99 = 0] = percentilesUs(histogram, [0.5, 0.95, 0.99])
  return {
    count,
    failures,
    successRate: (count - failures) / count,
    averageMs: sumUs / count / 1000,
    minMs: histogram.minUs / 1000,
    maxMs: histogram.maxUs / 1000,
    p50Ms: p50 / 1000,
    p95Ms: p95 / 1000,
    p99Ms: p99 / 1000,
    histogram,
  }
}

/** The figures of all of these together, which are of the same names and of times that follow each other. */
export const mergeFigures = (parts: readonly OperationFigures[]): OperationFigures | undefined => {
  const first = parts[0]
  if (first === undefined) return undefined
  const sum = (of: (one: OperationFigures) => number): number =>
    parts.reduce((total, one) => total + of(one), 0)
  const errors = new Map<string | null, number>()
  for (const { type, count } of parts.flatMap((one) => one.errors))
    errors.set(type, (errors.get(type) ?? 0) + count)
  return {
    ...first,
    ...measuresOf({
      count: sum(({ count }) => count),
      failures: sum(({ failures }) => failures),
      sumUs: sum(({ averageMs, count }) => averageMs * count * 1000),
      histogram: mergeHistograms(parts.map(({ histogram }) => histogram)),
    }),
    errors: sortedErrors(errors),
    otherErrors: sum(({ otherErrors }) => otherErrors),
    fromRows: sum(({ fromRows }) => fromRows),
  }
}
