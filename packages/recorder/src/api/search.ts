import type { OperationSearch } from '@throughline/postgres/reading'
import { keyOfCursor } from './cursor.js'
import type { OperationsQuery } from './schemas/operations.js'
import { filterOf, openWindowOf, windowOf } from './window.js'

const limits = { defaultHours: 24, maxHours: 9_600 }

/** What the parameters ask for, without a limit. Throws `TL_PARAMETER`. */
export const searchOf = (
  query: Omit<OperationsQuery, 'limit'>,
  now: number,
): Omit<OperationSearch, 'limit'> => {
  const { correlation_id, trace_id, outcome, error_type, metadata, cursor } = query
  const whole = correlation_id !== undefined
  return {
    ...(whole ? openWindowOf(query, now, limits) : windowOf(query, now, limits)),
    ...filterOf(query),
    correlationId: correlation_id,
    traceId: trace_id?.toLowerCase(),
    success: outcome === undefined ? undefined : outcome === 'success',
    errorType: error_type,
    metadata: metadata === undefined ? undefined : metadataOf(metadata),
    order: query.order ?? (whole || trace_id !== undefined ? 'asc' : 'desc'),
    after: cursor === undefined ? undefined : keyOfCursor(cursor),
  }
}

/** `key`, or `key:value`: the value as a text and, where it is one of JSON, as that. */
const metadataOf = (text: string): { key: string; values?: string[] } => {
  const colon = text.indexOf(':')
  if (colon <= 0) return { key: text }
  const value = text.slice(colon + 1)
  return { key: text.slice(0, colon), values: [JSON.stringify(value), ...scalarOf(value)] }
}

// Longer numbers are none that a program wrote, and Postgres would fail over 1e999999.
const scalar = /^(?:true|false|null|-?\d{1,30}(?:\.\d{1,30})?)$/

const scalarOf = (value: string): string[] => {
  if (!scalar.test(value)) return []
  try {
    JSON.parse(value)
    return [value]
  } catch {
    return []
  }
}
