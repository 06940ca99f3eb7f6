import type { OperationDetailRecord, OperationRecord } from '@throughline/postgres/reading'
import type { BusinessEntry, Operation, OperationBrief, OperationDetail } from './schemas/operation.js'

export type JaegerLink = (traceId: string) => string | null

/** By the setting `traceLink`; an ID is hexadecimal, so it needs no escape. */
export const jaegerLink =
  (template: string): JaegerLink =>
  (traceId) =>
    template === '' ? null : template.replaceAll('{trace_id}', traceId)

export const shownOperation = (row: OperationRecord, link: JaegerLink): Operation => ({
  ...row,
  metadata: row.metadata ?? null,
  business: entriesOf(row.business),
  jaegerUrl: link(row.traceId),
})

export const shownDetail = (row: OperationDetailRecord, link: JaegerLink): OperationDetail => ({
  ...row,
  ...shownOperation(row, link),
  errorStack: row.errorStack,
  instance: row.instance,
  seq: row.seq,
})

export const briefOf = (row: OperationRecord, link: JaegerLink): OperationBrief => {
  const { startedAt, traceId, spanId, correlationId, service, serviceVersion } = row
  const { operationService, operation, userId, durationMs, success, errorType } = row
  return {
    startedAt,
    traceId,
    spanId,
    correlationId,
    service,
    serviceVersion,
    operationService,
    operation,
    userId,
    durationMs,
    success,
    errorType,
    jaegerUrl: link(traceId),
  }
}

/** The column may hold whatever a sender of another kind wrote: only what the contract knows is shown as values. */
const entriesOf = (business: unknown): BusinessEntry[] => {
  if (!Array.isArray(business)) return []
  return business.flatMap((entry: unknown): BusinessEntry[] => {
    if (typeof entry !== 'object' || entry === null) return []
    const { name, labels, value, kind = 'sum' } = entry as Record<string, unknown>
    if (typeof name !== 'string' || typeof value !== 'string') return []
    if (kind !== 'sum' && kind !== 'gauge' && kind !== 'histogram') return []
    return [{ name, labels: labelsOf(labels), value, kind }]
  })
}

const labelsOf = (labels: unknown): Record<string, string> =>
  typeof labels !== 'object' || labels === null
    ? {}
    : Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)]))
