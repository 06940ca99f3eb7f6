import type { Attributes, ResourceSpans, Span } from '@throughline/otlp'
import type { DeadLetter, LifecycleRecord, OperationRow } from '@throughline/postgres'
import { toOperationRow } from '@throughline/postgres/span-row'
import type { SyntheticRecord } from '@throughline/postgres/synthetic'
import { isLifecycle, toLifecycleRecord } from './lifecycle-record.js'
import { isSynthetic, toSyntheticRecord } from './synthetic-record.js'

/** The scope whose spans are records. Every other scope is ignored. */
const recordScope = 'throughline.operations'

/** What one request brought, sorted by what becomes of it. */
export type Records = {
  rows: readonly OperationRow[]
  /** Records that can never become a row, known before Postgres is asked. */
  rejected: readonly DeadLetter[]
  lifecycle: readonly LifecycleRecord[]
  /** Made up by `throughline doctor`: in no report, whatever else they say of themselves. */
  synthetic: readonly SyntheticRecord[]
}

export const sizeOf = ({ rows, rejected, lifecycle, synthetic }: Records): number =>
  rows.length + rejected.length + lifecycle.length + synthetic.length

type Sorted = {
  rows: OperationRow[]
  rejected: DeadLetter[]
  lifecycle: LifecycleRecord[]
  synthetic: SyntheticRecord[]
}

const nothing = (): Sorted => ({ rows: [], rejected: [], lifecycle: [], synthetic: [] })

export const recordsOf = (request: readonly ResourceSpans[]): Records => {
  const sorted = nothing()
  for (const { resource, scopes } of request)
    for (const { scope, spans } of scopes)
      if (scope.name === recordScope) for (const span of spans) sort(span, resource, sorted)
  return sorted
}

export const recordsOfSpan = (span: Span, resource: Attributes): Records => {
  const sorted = nothing()
  sort(span, resource, sorted)
  return sorted
}

const sort = (span: Span, resource: Attributes, sorted: Sorted): void => {
  if (isSynthetic(span)) {
    sorted.synthetic.push(toSyntheticRecord(span, resource))
  } else if (isLifecycle(span)) {
    const mapped = toLifecycleRecord(span, resource)
    if (mapped.lifecycle !== undefined) sorted.lifecycle.push(mapped.lifecycle)
    else sorted.rejected.push(mapped.letter)
  } else {
    const mapped = toOperationRow(span, resource)
    if (mapped.row !== undefined) sorted.rows.push(mapped.row)
    else sorted.rejected.push(mapped.letter)
  }
}
