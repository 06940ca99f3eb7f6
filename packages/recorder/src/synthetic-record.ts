import type { Attributes, Span } from '@throughline/otlp'
import { textOf } from '@throughline/postgres/span-row'
import type { SyntheticRecord } from '@throughline/postgres/synthetic'

/** True for an operation that was made up to see whether it arrives, and so is none. */
export const isSynthetic = (span: Span): boolean => span.attributes['throughline.synthetic'] === true

/** By the section "Synthetic operations" of docs/reference/record.md. */
export const toSyntheticRecord = (span: Span, resource: Attributes): SyntheticRecord => ({
  id: span.traceId,
  service: textOf(resource['service.name']) ?? 'unknown_service',
  startedAtUs: span.startTimeUnixNano / 1000n,
  receivedAtUs: BigInt(Date.now()) * 1000n,
})
