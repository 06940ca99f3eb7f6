import type { Attributes, Span } from '@throughline/otlp'
import type { DeadLetter, LifecycleRecord } from '@throughline/postgres'
import { integerOf, numberingOf, spanText, textOf } from '@throughline/postgres/span-row'

type Mapped = { lifecycle: LifecycleRecord; letter?: never } | { letter: DeadLetter; lifecycle?: never }

const maxInt8 = 2n ** 63n - 1n

/** True for a span that tells of the start or stop of an instance, and so is no operation. */
export const isLifecycle = (span: Span): boolean =>
  span.name === 'throughline.instance' && span.attributes['throughline.lifecycle'] !== undefined

/** By the section "Starts and stops" of docs/reference/record.md, or the reason why it can never be noted. */
export const toLifecycleRecord = (span: Span, resource: Attributes): Mapped => {
  const event = textOf(span.attributes['throughline.lifecycle'])
  const { instance, seq } = numberingOf(span, resource)
  const refused = (reason: string): Mapped => ({
    letter: { reason, sqlState: null, body: spanText(span, resource), instance, seq },
  })
  if (event !== 'start' && event !== 'stop') return refused('throughline.lifecycle is neither start nor stop')
  if (instance === null) return refused('throughline.instance is no UUID')
  if (span.startTimeUnixNano === 0n) return refused('the start time is missing')
  const lastSeq = event === 'stop' ? integerOf(span.attributes['throughline.last_seq']) : null
  return {
    lifecycle: {
      event,
      instance,
      seq,
      atUs: span.startTimeUnixNano / 1000n,
      service: textOf(resource['service.name']) ?? 'unknown_service',
      serviceVersion: textOf(resource['service.version']),
      environment: textOf(resource['deployment.environment.name']),
      host: textOf(resource['host.name']),
      stopReason: event === 'stop' ? textOf(span.attributes['throughline.stop_reason']) : null,
      lastSeq: lastSeq !== null && lastSeq >= 0n && lastSeq <= maxInt8 ? lastSeq : null,
    },
  }
}
