import type { Queryable } from '../rollups/window.js'
import {
  detailColumns,
  type OperationDetailRecord,
  type OperationRecord,
  recordColumns,
  timeText,
} from './operation-columns.js'
import { filterCondition, type OperationFilter, parametersOf } from './operation-filter.js'

/** Where a page ended: the key of its last row. `spanId` is the decimal number of the column. */
export type OperationKey = { startedAt: string; traceId: string; spanId: string }

export type OperationSearch = OperationFilter & {
  order: 'asc' | 'desc'
  after?: OperationKey | undefined
  limit: number
}

type Keyed<T> = T & { keySpan: string }

const keyOf = ({ startedAt, traceId, keySpan }: Keyed<OperationRecord>): OperationKey => ({
  startedAt,
  traceId,
  spanId: keySpan,
})

type Walk = { values: unknown[]; source: string; by: (relation?: string) => string }

const walkOf = (search: OperationSearch): Walk => {
  const parameters = parametersOf()
  const { add, values } = parameters
  const { order, after } = search
  const filter = filterCondition(search, parameters)
  const direction = order === 'asc' ? 'ASC' : 'DESC'
  const by = (relation = ''): string =>
    ['started_at', 'trace_id', 'span_id'].map((name) => `${relation}${name} ${direction}`).join(', ')
  // OFFSET 0: by the index on the ID first and sorted then, whatever the planner thinks of a walk along the time.
  const source = (condition: string): string =>
    search.correlationId === undefined
      ? `throughline.operations WHERE ${condition}`
      : `(SELECT * FROM throughline.operations WHERE ${condition} OFFSET 0) AS found`
  if (after === undefined) return { values, source: source(filter), by }
  const key = `(${add(after.startedAt)}::timestamptz, ${add(after.traceId)}::uuid, ${add(after.spanId)}::int8)`
  const beyond = order === 'asc' ? '>' : '<'
  // The time by itself once more: by it days are left out, by the whole key they are not.
  const condition = `${filter} AND started_at ${beyond}= ${add(after.startedAt)}::timestamptz AND (started_at, trace_id, span_id) ${beyond} ${key}`
  return { values, source: source(condition), by }
}

/**
 * One page of rows, by start, and the key of its last row if there are more. Without a window or a correlation ID it
 * may read everything there is: the caller's statement timeout bounds it.
 */
export const searchOperations = async <D extends boolean = false>(
  db: Queryable,
  search: OperationSearch,
  options: { details?: D } = {},
): Promise<{
  rows: (D extends true ? OperationDetailRecord : OperationRecord)[]
  next: OperationKey | null
}> => {
  const { values, source, by } = walkOf(search)
  const { limit } = search
  // The page is settled first, so that large columns are read of its rows only.
  const { rows } = await db.query<Keyed<OperationDetailRecord>>(
    `SELECT ${options.details === true ? detailColumns : recordColumns}, o.span_id AS "keySpan"
FROM (SELECT * FROM ${source} ORDER BY ${by()} LIMIT ${limit + 1}) AS o
ORDER BY ${by('o.')}`,
    values,
  )
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    rows: page.map(({ keySpan: _, ...row }) => row as OperationDetailRecord),
    next: rows.length > limit && last !== undefined ? keyOf(last) : null,
  }
}

/** The key of the row at that place (from 1 on) of a search, if there is one more behind it; else null. */
export const keyAt = async (db: Queryable, search: OperationSearch): Promise<OperationKey | null> => {
  const { values, source, by } = walkOf(search)
  const { limit } = search
  const { rows } = await db.query<Keyed<OperationRecord>>(
    `SELECT ${timeText('started_at')} AS "startedAt",
  replace(trace_id::text, '-', '') AS "traceId", span_id AS "keySpan"
FROM ${source}
ORDER BY ${by()} OFFSET ${limit - 1} LIMIT 2`,
    values,
  )
  return rows.length === 2 ? keyOf(rows[0]!) : null
}

/**
 * One operation with all that its row has, or null. With its start it is found by its key; without, days are searched
 * from the newest on, which takes as long as it takes.
 */
export const findOperation = async (
  db: Queryable,
  id: { traceId: string; spanId: string; startedAt?: string | undefined },
): Promise<OperationDetailRecord | null> => {
  const { rows } = await db.query<OperationDetailRecord>(
    `SELECT ${detailColumns} FROM throughline.operations AS o
WHERE o.trace_id = $1::uuid AND o.span_id = ('x' || $2)::bit(64)::int8 AND ($3::timestamptz IS NULL OR o.started_at = $3)
ORDER BY o.started_at DESC LIMIT 1`,
    [id.traceId, id.spanId, id.startedAt ?? null],
  )
  return rows[0] ?? null
}
