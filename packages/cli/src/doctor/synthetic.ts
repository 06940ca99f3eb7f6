import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { encodeMetrics, encodeResource, encodeSpan, encodeTraces } from '@throughline/otlp'

/** What is sent, and found again by. */
export interface Synthetic {
  /** Correlation ID, for people. */
  readonly id: string
  /** The trace ID: the ID of the synthetic operation. */
  readonly traceId: string
  /**
   * Both measurements are gauges with this value, the time of this run in ms. So every run can be told from the others, and all of them
   * together are one series each: an ID as a label would be a series a run.
   */
  readonly value: number
}

export const metricNames = {
  operational: 'throughline.doctor.operational',
  business: 'throughline.doctor.business',
} as const

const service = 'throughline-doctor'
/** Sampled, and known to be: Jaeger is to have it. */
const sampled = 0x101

export function newSynthetic(): Synthetic {
  const value = Date.now()
  return { id: `doctor-${value.toString(36)}`, traceId: randomBytes(16).toString('hex'), value }
}

/**
 * One operation. The recorder knows it by `throughline.synthetic` and keeps it out of everything; to one that might not know that it is
 * sent as a picture alone: a scope that is no record's.
 */
export function operationRequest({ id, traceId }: Synthetic, as: 'record' | 'picture'): Uint8Array {
  const now = BigInt(Date.now()) * 1_000_000n
  return encodeTraces({
    resource: resource(),
    scope: { name: as === 'record' ? 'throughline.operations' : 'throughline.doctor' },
    spans: [
      encodeSpan({
        traceId,
        spanId: randomBytes(8).toString('hex'),
        name: 'Throughline.doctor',
        kind: 1,
        flags: sampled,
        startTimeUnixNano: now,
        endTimeUnixNano: now + 1_000_000n,
        attributes: { 'throughline.synthetic': true, 'correlation.id': id },
        status: { code: 1 },
      }),
    ],
  })
}

/** One gauge of the scope by which the Collector routes. */
export function measurementRequest({ value }: Synthetic, kind: keyof typeof metricNames): Uint8Array {
  const now = BigInt(Date.now()) * 1_000_000n
  return encodeMetrics({
    resource: resource(),
    scope: { name: kind === 'business' ? 'throughline.business' : 'throughline.operations' },
    metrics: [
      {
        name: metricNames[kind],
        description: 'When throughline doctor looked last, in ms since 1970',
        data: {
          kind: 'gauge',
          points: [{ attributes: {}, startTimeUnixNano: now, timeUnixNano: now, value }],
        },
      },
    ],
  })
}

function resource(): Uint8Array {
  return encodeResource({ 'service.name': service, 'host.name': hostname() })
}
