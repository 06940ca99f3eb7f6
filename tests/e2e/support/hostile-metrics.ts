/** Every text that must not come out at the other end begins with this. */
export const PLANTED = 'planted-'

const text = (key: string, value: string) => ({ key, value: { stringValue: value } })

/** What the store has to show of each metric of {@link hostileMetrics}, by the end of its name. */
export const EXPECTED = { orders: 10, cart: 7, waits: 5, clean: 3 } as const

/** Those that cannot be added up once the identifier is gone. */
export const DROPPED = ['summary', 'exponential', 'broken'] as const

/**
 * A request of OTLP's JSON whose resource, scope and points carry identifiers under many spellings, in every kind of metric. Exemplars carry
 * them too, where they belong.
 */
export function hostileMetrics(scope: string, prefix: string): unknown {
  const now = Date.now()
  const times = { startTimeUnixNano: `${now - 10_000}000000`, timeUnixNano: `${now}000000` }
  const labels = (key: string, value: string) => [text('site', 'cologne'), text(key, `${PLANTED}${value}`)]
  const number = (asDouble: number, key: string, value: string) => ({
    ...times,
    asDouble,
    attributes: labels(key, value),
  })
  const histogram = (count: number, key: string, value: string) => ({
    ...times,
    count: String(count),
    sum: count,
    bucketCounts: [String(count), '0', '0'],
    explicitBounds: [1, 2],
    attributes: labels(key, value),
  })
  const cumulative = { aggregationTemporality: 2 }
  const metrics = [
    {
      name: 'orders',
      sum: {
        ...cumulative,
        isMonotonic: true,
        dataPoints: [
          {
            ...number(1, 'user.id', 'u1'),
            exemplars: [
              {
                timeUnixNano: times.timeUnixNano,
                asDouble: 1,
                traceId: '5b8efff798038103d269b633813fc60c',
                spanId: 'eee19b7ec3c1b174',
                filteredAttributes: [text('correlation.id', 'order-4711')],
              },
            ],
          },
          number(2, 'userId', 'u2'),
          number(3, 'X-Correlation-ID', 'u3'),
          { ...times, asDouble: 4, attributes: [text('site', 'cologne')] },
        ],
      },
    },
    { name: 'cart', gauge: { dataPoints: [number(5, 'session_id', 's1'), number(7, 'session_id', 's2')] } },
    {
      name: 'waits',
      histogram: {
        ...cumulative,
        dataPoints: [histogram(2, 'traceId', 't1'), histogram(3, 'trace_id', 't2')],
      },
    },
    {
      name: 'clean',
      histogram: {
        ...cumulative,
        dataPoints: [{ ...histogram(3, 'site', ''), attributes: [text('site', 'cologne')] }],
      },
    },
    {
      name: 'summary',
      summary: {
        dataPoints: [{ ...times, count: '1', sum: 1, attributes: labels('enduser.id', 'e1') }],
      },
    },
    {
      name: 'exponential',
      exponentialHistogram: {
        ...cumulative,
        dataPoints: [
          {
            ...times,
            count: '1',
            sum: 1,
            scale: 0,
            positive: { offset: -2_000_000_000, bucketCounts: ['1'] },
            attributes: labels('request.id', 'r1'),
          },
          {
            ...times,
            count: '1',
            sum: 1,
            scale: 0,
            positive: { offset: 2_000_000_000, bucketCounts: ['1'] },
            attributes: labels('request.id', 'r2'),
          },
        ],
      },
    },
    {
      // Added up as they are these two would end a Collector.
      name: 'broken',
      histogram: {
        ...cumulative,
        dataPoints: [
          { ...histogram(1, 'user_id', 'b1'), bucketCounts: [] },
          { ...histogram(1, 'user_id', 'b2'), bucketCounts: ['1'] },
        ],
      },
    },
  ]
  return {
    resourceMetrics: [
      {
        resource: {
          attributes: [
            text('service.name', 'hostile'),
            text('enduser.id', `${PLANTED}resource`),
            text('user.email', `${PLANTED}mail`),
            text('correlation_id', `${PLANTED}resource`),
          ],
        },
        scopeMetrics: [
          {
            scope: { name: scope, attributes: [text('user.id', `${PLANTED}scope`)] },
            metrics: metrics.map((metric) => ({ ...metric, name: `${prefix}.${metric.name}` })),
          },
        ],
      },
    ],
  }
}
