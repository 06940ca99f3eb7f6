import { type Histogram, percentilesUs } from './histogram.js'
import { partsOf } from './sql/cover.js'
import { operationCells } from './sql/row-cells.js'
import { conditionOf, type Plan, planOf, type Queryable, type RollupWindow, textOrNull } from './window.js'

type Dimension = 'service' | 'version' | 'operation'

export type OperationQuery = RollupWindow & {
  service?: string
  /** Null: of services that tell none. */
  version?: string | null
  operationService?: string
  operation?: string
  /** One user's operations; read from the rows alone, as sums are not kept by user and operation. */
  user?: string
  /** What each gets figures of its own. `operation` splits by operation service and operation. Default none. */
  by?: readonly Dimension[]
}

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

type OperationAnswer = { from: Date; until: Date; figures: OperationFigures[]; cut: boolean }

type Row = {
  start: Date
  service?: string
  service_version?: string
  operation_service?: string
  operation?: string
  count: string
  failures: string
  sum_us: string
  min_us: string
  max_us: string
  other: string
  live: string
  buckets: number[]
  counts: string[]
  types: string[]
  type_counts: string[]
}

const columnsOf: Record<Dimension, readonly string[]> = {
  service: ['service'],
  version: ['service_version'],
  operation: ['operation_service', 'operation'],
}
const sums =
  'count, failures, sum_us, min_us, max_us, other_errors, buckets, bucket_counts, error_types, error_counts'

const filterColumns = (from: 'sums' | 'rows'): Record<string, string> => ({
  service: 'service',
  version: from === 'sums' ? 'service_version' : `coalesce(service_version, '')`,
  operationService: 'operation_service',
  operation: 'operation',
  ...(from === 'rows' ? { user: 'user_id' } : {}),
})

/**
 * Counts, success rate, percentiles and errors of a window, by what is asked for. From sums where the minutes are
 * summed up and from rows where not, in one statement: the counts are those of the rows. Rejects with
 * `TL_POSTGRES_OPTION` or what Postgres says.
 */
export const readOperations = async (db: Queryable, query: OperationQuery): Promise<OperationAnswer> => {
  const plan = planOf(query, query.user !== undefined)
  const { rows } = await db.query<Row>(statementOf(plan, query), plan.values)
  return {
    from: plan.from,
    until: plan.until,
    figures: rows.slice(0, plan.limit).map(figuresOf),
    cut: rows.length > plan.limit,
  }
}

/** The coarsest sums that the question can be answered from. */
const grainOf = (split: readonly string[], query: OperationQuery): 'o' | 's' | 'a' => {
  if (split.includes('operation') || query.operationService !== undefined || query.operation !== undefined)
    return 'o'
  return split.length > 0 || query.service !== undefined || query.version !== undefined ? 's' : 'a'
}

const statementOf = (plan: Plan, query: OperationQuery): string => {
  const split = [...new Set((query.by ?? []).flatMap((dimension) => columnsOf[dimension]))]
  const filter = { ...query, version: query.version === null ? '' : query.version }
  const ofSums = conditionOf(plan, filterColumns('sums'), filter)
  const ofRows = conditionOf(plan, filterColumns('rows'), filter)
  const key = ['start', ...split].join(', ')
  const time = plan.stepOf('o.started_at')
  const live = operationCells(
    { range: 'row_range', lower: '$1::timestamptz', upper: '$2::timestamptz', start: time },
    ofRows,
    split.map((name) => `coalesce(o.${name}, '') AS ${name},`).join(' '),
    Array.from({ length: 3 + split.length }, (_, at) => at + 1).join(', '),
  )
  // Sorted by what identifies a group, so that a cut answer is the same each time. Histograms are the dear part: only
  // those of the groups that are answered are opened.
  return `WITH ${plan.cover},
part AS MATERIALIZED (
  SELECT ${[`${plan.stepOf('start')} AS start`, ...split].join(', ')}, ${sums}
  FROM (${partsOf('rollup_operations', ['r.start', ...split, sums].join(', '), ofSums, grainOf(split, query))}) AS summed
), live AS MATERIALIZED (${live}
), total AS (
  SELECT ${key}, sum(count)::int8 AS count, sum(failures)::int8 AS failures, sum(sum_us) AS sum_us, min(min_us) AS min_us,
    max(max_us) AS max_us, sum(other_errors)::int8 AS other, sum(live)::int8 AS live
  FROM (
    SELECT ${key}, count, failures, sum_us, min_us, max_us, other_errors, 0 AS live FROM part
    UNION ALL
    SELECT ${key}, n, CASE WHEN error IS NULL THEN 0 ELSE n END, sum_us, min_us, max_us, 0, n FROM live
  ) AS both_sources GROUP BY ${key} ORDER BY count DESC, ${key} LIMIT ${plan.limit + 1}
), kept AS MATERIALIZED (
  SELECT part.* FROM part JOIN total USING (${key})
), bucket AS (
  SELECT ${key}, array_agg(bucket ORDER BY bucket) AS buckets, array_agg(n ORDER BY bucket) AS counts
  FROM (
    SELECT ${key}, bucket, sum(n)::int8 AS n
    FROM (
      SELECT ${key}, u.bucket, u.n FROM kept, unnest(buckets, bucket_counts) AS u(bucket, n)
      UNION ALL SELECT ${key}, bucket, n FROM live
    ) AS both_sources GROUP BY ${key}, bucket
  ) AS one GROUP BY ${key}
), error AS (
  SELECT ${key}, array_agg(error ORDER BY n DESC, error COLLATE "C") AS types, array_agg(n ORDER BY n DESC, error COLLATE "C") AS type_counts
  FROM (
    SELECT ${key}, error, sum(n)::int8 AS n
    FROM (
      SELECT ${key}, u.error, u.n FROM kept, unnest(error_types, error_counts) AS u(error, n)
      UNION ALL SELECT ${key}, error, n FROM live WHERE error IS NOT NULL
    ) AS both_sources GROUP BY ${key}, error
  ) AS one GROUP BY ${key}
)
SELECT ${key}, count, failures, sum_us::text, min_us, max_us, other, live, buckets, counts,
  coalesce(types, '{}') AS types, coalesce(type_counts, '{}') AS type_counts
FROM total JOIN bucket USING (${key}) LEFT JOIN error USING (${key}) ORDER BY start, count DESC, ${key}`
}

const figuresOf = (row: Row): OperationFigures => {
  const count = Number(row.count)
  const failures = Number(row.failures)
  const histogram: Histogram = {
    buckets: row.buckets,
    counts: row.counts.map(Number),
    minUs: Number(row.min_us),
    maxUs: Number(row.max_us),
  }
  const [p50 = 0, p95 = 0, p99 = 0] = percentilesUs(histogram, [0.5, 0.95, 0.99])
  return {
    start: row.start,
    service: row.service ?? null,
    version: row.service_version || null,
    operationService: row.operation_service ?? null,
    operation: row.operation ?? null,
    count,
    failures,
    successRate: (count - failures) / count,
    averageMs: Number(row.sum_us) / count / 1000,
    minMs: histogram.minUs / 1000,
    maxMs: histogram.maxUs / 1000,
    p50Ms: p50 / 1000,
    p95Ms: p95 / 1000,
    p99Ms: p99 / 1000,
    errors: row.types.map((type, at) => ({ type: textOrNull(type), count: Number(row.type_counts[at]) })),
    otherErrors: Number(row.other),
    fromRows: Number(row.live),
    histogram,
  }
}
