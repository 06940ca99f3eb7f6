import { type Context, createContextKey } from '@opentelemetry/api'

/** What one request is known by: its ID and, where known, its user and what else its log lines shall say. */
export interface Correlation {
  readonly id: string
  readonly user?: string
  readonly fields?: Fields
}

export type Fields = Readonly<Record<string, string>>

/** Same key in every copy of this package: the API makes it of its description. */
export const CORRELATION_KEY: symbol = createContextKey('throughline.correlation')

/** Long enough for any ID that people use. Beyond 51 characters it no longer fits into an exemplar of Prometheus, beside trace and span ID. */
const VALID = /^[A-Za-z0-9._:-]{1,128}$/

/** Whether a value from outside may serve as a correlation ID. */
export function isCorrelationId(value: unknown): value is string {
  return typeof value === 'string' && VALID.test(value)
}

export function newCorrelationId(): string {
  return crypto.randomUUID()
}

export function correlationOf(context: Context): Correlation | undefined {
  return context.getValue(CORRELATION_KEY) as Correlation | undefined
}
