import { figuresOf, type Group, type OperationFigures } from './figures.js'
import type { Grain } from './levels.js'
import { marksCover, partsOf, rowsCover, unitsCover } from './sql/cover.js'
import { operationCells } from './sql/row-cells.js'
import { conditionOf, type Plan, planOf, type Queryable, type RollupWindow } from './window.js'

type Dimension = 'service' | 'version' | 'operation'

/** Which operations. */
type OperationFilter = {
  service?: string
  /** Null: of services that tell none. */
  version?: string | null
  operationService?: string
  operation?: string
  /** One user's operations; read from the rows alone, as sums are not kept by user and operation. */
  user?: string
}

/** What is asked of them. */
type OperationSplit = Pick<RollupWindow, 'stepMs' | 'limit'> & {
  /** What each gets figures of its own. `operation` splits by operation service and operation. Default none. */
  by?: readonly Dimension[]
}

export type OperationQuery = Pick<RollupWindow, 'from' | 'until'> & OperationFilter & OperationSplit

type OperationAnswer = { from: Date; until: Date; figures: OperationFigures[]; cut: boolean }

const columnsOf: Record<Dimension, readonly string[]> = {
  service: ['service'],
  version: ['service_version'],
  operation: ['operation_service', 'operation'],
}
const allColumns = ['service', 'service_version', 'operation_service', 'operation'] as const
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
export const readOperations = async (db: Queryable, query: OperationQuery): Promise<OperationAnswer> =>
  (await querySplits(db, query, [query]))()[0]!

/**
 * Several questions of the same window and operations in one statement: the rows are read once for all of them. The answers
 * are made of what Postgres sent when they are called for, so that it can be at work on the next question meanwhile.
 */
export const querySplits = async (
  db: Queryable,
  query: Pick<RollupWindow, 'from' | 'until'> & OperationFilter,
  splits: readonly OperationSplit[],
): Promise<() => OperationAnswer[]> => {
  const { from, until } = query
  const source = query.user === undefined ? 'fives' : 'rows'
  const plans = splits.map(({ stepMs, limit }) =>
    planOf(
      { from, until, ...(stepMs === undefined ? {} : { stepMs }), ...(limit === undefined ? {} : { limit }) },
      source,
    ),
  )
  const first = plans[0]!
  const { rows } = await db.query<Group & { split: number }>(
    statementOf(first, plans, query, splits),
    first.values,
  )
  return () =>
    plans.map((plan, at) => {
      const { figures, cut } = figuresOf(
        rows.filter(({ split }) => split === at),
        plan.limit,
      )
      return { from: plan.from, until: plan.until, figures, cut }
    })
}

/** The coarsest sums that the question can be answered from. */
const grainOf = (split: readonly string[], query: OperationFilter): Grain => {
  if (split.includes('operation') || query.operationService !== undefined || query.operation !== undefined)
    return 'o'
  if (split.includes('service') || query.service !== undefined) return 's'
  return split.includes('service_version') || query.version !== undefined ? 'v' : 'a'
}

const statementOf = (
  first: Plan,
  plans: readonly Plan[],
  query: OperationFilter,
  splits: readonly OperationSplit[],
): string => {
  const filter = { ...query, version: query.version === null ? '' : query.version }
  const ofSums = conditionOf(first, filterColumns('sums'), filter)
  const ofRows = conditionOf(first, filterColumns('rows'), filter)
  const columns = splits.map(({ by = [] }) => [...new Set(by.flatMap((dimension) => columnsOf[dimension]))])
  const every = allColumns.filter((name) => columns.some((some) => some.includes(name)))
  const steps = [...new Set(splits.flatMap(({ stepMs }) => (stepMs === undefined ? [] : [stepMs])))]
  // Rows are counted by the finest that any of the questions needs.
  const time =
    steps.length > 1
      ? 'throughline.minute_of(o.started_at)'
      : plans[
          Math.max(
            0,
            splits.findIndex(({ stepMs }) => stepMs !== undefined),
          )
        ]!.stepOf('o.started_at')
  const live = operationCells(
    { range: 'row_range', lower: '$1::timestamptz', upper: '$2::timestamptz', start: time },
    ofRows,
    every.map((name) => `coalesce(o.${name}, '') AS ${name},`).join(' '),
    Array.from({ length: 3 + every.length }, (_, at) => at + 1).join(', '),
  )
  const parts = plans.map((plan, at) => splitOf(plan, at, columns[at]!, ofSums, grainOf(columns[at]!, query)))
  return `WITH ${first.units === null ? rowsCover : marksCover},
live AS MATERIALIZED (${live}
), ${parts.map(({ tables }) => tables).join(',\n')}
${parts.map(({ select }) => select).join('\nUNION ALL\n')}`
}

/**
 * The tables of one question. It answers the histograms of a group side by side, to be opened by `figuresOf`: in SQL that
 * took four times as long. Of names there may be many: those with the most operations are found first, by their counts
 * alone, as the histograms of all of them would not fit into `work_mem`.
 */
const splitOf = (
  plan: Plan,
  at: number,
  split: readonly string[],
  condition: string,
  grain: Grain,
): { tables: string; select: string } => {
  const key = ['start', ...split].join(', ')
  const name = `_${at}`
  const step = [`${plan.stepOf('start')} AS start`, ...split].join(', ')
  const summed = (columns: string): string =>
    `SELECT ${step}, ${columns} FROM (${partsOf('rollup_operations', ['r.start', ...split, columns].join(', '), condition, grain, name)}) AS summed`
  const tables = `${unitsCover(plan.units, name)}${
    split.length === 0
      ? ''
      : `, most${name} AS MATERIALIZED (
  SELECT ${key} FROM (
    ${summed('count')}
    UNION ALL SELECT ${step}, n FROM live
  ) AS counted GROUP BY ${key} ORDER BY sum(count) DESC, ${key} LIMIT ${plan.limit + 1}
)`
  }`
  const shown = allColumns.map((column) => (split.includes(column) ? column : `NULL::text AS ${column}`))
  const select = `SELECT ${at} AS split, start, ${shown.join(', ')}, sum(count)::int8 AS count, sum(failures)::int8 AS failures, sum(sum_us)::text AS sum_us,
  min(min_us) AS min_us, max(max_us) AS max_us, sum(other_errors)::int8 AS other_errors, sum(live)::int8 AS live,
  string_agg(buckets::text, ' ') AS buckets, string_agg(bucket_counts::text, ' ') AS bucket_counts,
  json_agg(json_build_array(error_types, error_counts)) FILTER (WHERE error_types <> '{}') AS errors
FROM (
  SELECT *, 0 AS live FROM (${summed(sums)}) AS kept
  UNION ALL
  SELECT ${key}, sum(n)::int8, CASE WHEN error IS NULL THEN 0 ELSE sum(n)::int8 END, sum(sum_us), min(min_us), max(max_us), 0,
    array_agg(bucket), array_agg(n), array_remove(ARRAY[error], NULL), ARRAY[sum(n)::int8], sum(n)::int8
  FROM (SELECT ${step}, bucket, error, n, sum_us, min_us, max_us FROM live) AS counted GROUP BY ${key}, error
) AS piece${split.length === 0 ? '' : ` JOIN most${name} USING (${key})`} GROUP BY ${key}`
  return { tables, select }
}
