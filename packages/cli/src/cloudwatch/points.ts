import type { Attributes, decodeMetrics, Metric } from '@throughline/otlp'

type ResourceMetrics = ReturnType<typeof decodeMetrics>[number]

/** One data point as the stand-in shows it: flat, with everything needed to find it again. */
export interface CloudWatchPoint {
  /** ISO time of arrival here. */
  receivedAt: string
  /** ISO time that the sender gave the point. */
  time: string
  resource: Record<string, unknown>
  scope: string
  name: string
  unit: string
  kind: Metric['data']['kind']
  labels: Record<string, unknown>
  /** Of sums and gauges. A whole number beyond 2^53 is a string, so no digit is lost. */
  value?: number | string
  /** Of histograms and summaries. */
  count?: number
  sum?: number
  exemplars: {
    time: string
    value: number | string
    traceId?: string
    spanId?: string
    labels: Record<string, unknown>
  }[]
}

/** The points of one request, in its order. A metric without data gives none. */
export function flatten(request: readonly ResourceMetrics[], receivedAt: string): CloudWatchPoint[] {
  const points: CloudWatchPoint[] = []
  for (const { resource, scopes } of request) {
    const resourceLabels = plain(resource)
    for (const { scope, metrics } of scopes) {
      for (const { name, unit, data } of metrics) {
        if (data.kind === 'none') continue
        for (const point of data.points) {
          points.push({
            receivedAt,
            time: isoTime(point.timeUnixNano),
            resource: resourceLabels,
            scope: scope.name,
            name,
            unit: unit ?? '',
            kind: data.kind,
            labels: plain(point.attributes),
            ...('value' in point ? { value: plainNumber(point.value) } : { count: point.count }),
            ...('sum' in point && point.sum !== undefined ? { sum: point.sum } : {}),
            exemplars: ('exemplars' in point ? (point.exemplars ?? []) : []).map((exemplar) => ({
              time: isoTime(exemplar.timeUnixNano),
              value: plainNumber(exemplar.value),
              ...(exemplar.traceId === undefined ? {} : { traceId: exemplar.traceId }),
              ...(exemplar.spanId === undefined ? {} : { spanId: exemplar.spanId }),
              labels: plain(exemplar.attributes ?? {}),
            })),
          })
        }
      }
    }
  }
  return points
}

// OTLP values hold bigints and bytes, which JSON has not.
function plain(attributes: Attributes): Record<string, unknown> {
  return JSON.parse(
    JSON.stringify(attributes, (_key, value: unknown) => {
      if (typeof value === 'bigint') return plainNumber(value)
      if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
      return value
    }),
  ) as Record<string, unknown>
}

function plainNumber(value: number | bigint): number | string {
  if (typeof value === 'number') return value
  return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
}

function isoTime(nanoseconds: bigint): string {
  const milliseconds = Number(nanoseconds / 1_000_000n)
  // 8.64e15 ms is the last moment a Date can hold; a sender may write any 64 bits.
  return milliseconds <= 8.64e15 ? new Date(milliseconds).toISOString() : 'invalid'
}
