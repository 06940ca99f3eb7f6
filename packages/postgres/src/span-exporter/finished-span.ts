import type { Attributes, RecordSpan } from '../span-row/record-span.js'

/** Seconds since 1970 and nanoseconds. */
type HighResolutionTime = readonly [number, number]

/** What is read of OpenTelemetry's `ReadableSpan` (its JavaScript SDK from 2.0 on), so that nobody needs to install one for the types. */
export interface FinishedSpan {
  readonly name: string
  readonly startTime: HighResolutionTime
  readonly endTime: HighResolutionTime
  readonly parentSpanContext?: { readonly spanId: string }
  readonly attributes: { readonly [key: string]: unknown }
  readonly status: { readonly code: number; readonly message?: string }
  readonly events: readonly {
    readonly name: string
    readonly attributes?: { readonly [key: string]: unknown }
  }[]
  readonly resource: { readonly attributes: { readonly [key: string]: unknown } }
  readonly instrumentationScope: { readonly name: string }
  spanContext(): { readonly traceId: string; readonly spanId: string }
}

export const toRecordSpan = (span: FinishedSpan): RecordSpan => {
  const { traceId, spanId } = span.spanContext()
  return {
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId,
    name: span.name,
    startTimeUnixNano: nanosOf(span.startTime),
    endTimeUnixNano: nanosOf(span.endTime),
    attributes: attributesOf(span.attributes),
    events: span.events.map(({ name, attributes = {} }) => ({ name, attributes: attributesOf(attributes) })),
    status: span.status,
  }
}

/** An attribute of OpenTelemetry is one of OTLP; one that was set to undefined is none, and to a reader the same as absent. */
export const attributesOf = (attributes: { readonly [key: string]: unknown }): Attributes =>
  attributes as Attributes

const nanosOf = ([seconds, nanos]: HighResolutionTime): bigint =>
  BigInt(seconds) * 1_000_000_000n + BigInt(nanos)
