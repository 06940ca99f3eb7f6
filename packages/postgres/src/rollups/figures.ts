import { type Histogram, mergeHistograms, percentilesUs } from './histogram.js'
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

/** Sums of a part of a group, as the statement answers them; the arrays of numbers are texts of Postgres. */
export type Piece = {
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
  buckets: string
  bucket_counts: string
  error_types: string[]
  error_counts: string[]
}

/** The pieces of each group together, by start, then the most frequent first; of more than `limit` the largest. */
export const figuresOf = (
  pieces: readonly Piece[],
  limit: number,
): { figures: OperationFigures[]; cut: boolean } => {
  const groups = new Map<string, Piece[]>()
  for (const piece of pieces) {
    const key = JSON.stringify([piece.start, ...namesOf(piece)])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [piece])
    else group.push(piece)
  }
  const all = [...groups].map(([key, group]) => ({ key, figures: mergePieces(group) }))
  const byKey = (a: { key: string }, b: { key: string }): number => (a.key < b.key ? -1 : 1)
  all.sort((a, b) => b.figures.count - a.figures.count || byKey(a, b))
  const kept = all.slice(0, limit)
  kept.sort((a, b) => a.figures.start.getTime() - b.figures.start.getTime())
  return { figures: kept.map(({ figures }) => figures), cut: all.length > limit }
}

const namesOf = (piece: Piece): (string | null)[] => [
  piece.service,
  piece.service_version,
  piece.operation_service,
  piece.operation,
]

const numbersOf = (array: string): number[] => JSON.parse(`[${array.slice(1, -1)}]`)

const mergePieces = (pieces: readonly Piece[]): OperationFigures => {
  const first = pieces[0]!
  const sum = (of: (piece: Piece) => string): number =>
    pieces.reduce((total, piece) => total + Number(of(piece)), 0)
  const errors = new Map<string | null, number>()
  for (const { error_types, error_counts } of pieces)
    for (const [at, text] of error_types.entries()) {
      const type = textOrNull(text)
      errors.set(type, (errors.get(type) ?? 0) + Number(error_counts[at]))
    }
  return {
    start: first.start,
    service: first.service,
    version: first.service_version || null,
    operationService: first.operation_service,
    operation: first.operation,
    ...measuresOf({
      count: sum(({ count }) => count),
      failures: sum(({ failures }) => failures),
      sumUs: sum(({ sum_us }) => sum_us),
      histogram: mergeHistograms(
        pieces.map(({ buckets, bucket_counts, min_us, max_us }) => ({
          buckets: numbersOf(buckets),
          counts: numbersOf(bucket_counts),
          minUs: Number(min_us),
          maxUs: Number(max_us),
        })),
      ),
    }),
    errors: sortedErrors(errors),
    otherErrors: sum(({ other_errors }) => other_errors),
    fromRows: sum(({ live }) => live),
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
