import { randomBytes } from 'node:crypto'

/** OTLP by hand, following docs/reference/record.md alone: nothing of ours is imported. */

const attribute = (key: string, value: string | number | boolean) => ({
  key,
  value:
    typeof value === 'string'
      ? { stringValue: value }
      : typeof value === 'boolean'
        ? { boolValue: value }
        : Number.isInteger(value)
          ? { intValue: String(value) }
          : { doubleValue: value },
})

const attributes = (map: Record<string, string | number | boolean>) =>
  Object.entries(map).map(([key, value]) => attribute(key, value))

/** Nanoseconds since 1970, as OTLP's JSON has them. */
function nanos(ms: number): string {
  return `${Math.floor(ms)}000000`
}

export interface HandSpan {
  traceId: string
  spanId: string
}

/** One trace request; `scope` decides whether it is a record. */
export function traceRequest(options: {
  scope?: string
  name?: string
  service?: string
  startMs?: number
  durationMs?: number
  attributes?: Record<string, string | number | boolean>
  status?: { code: number; message?: string }
  events?: unknown[]
  flags?: number
  span?: Partial<HandSpan>
}): { body: unknown; span: HandSpan } {
  const start = options.startMs ?? Date.now()
  const span = {
    traceId: randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    ...options.span,
  }
  const body = {
    resourceSpans: [
      {
        resource: { attributes: attributes({ 'service.name': options.service ?? 'by-hand' }) },
        scopeSpans: [
          {
            scope: { name: options.scope ?? 'throughline.operations' },
            spans: [
              {
                ...span,
                name: options.name ?? 'Billing.charge',
                kind: 1,
                startTimeUnixNano: nanos(start),
                endTimeUnixNano: nanos(start + (options.durationMs ?? 250)),
                attributes: attributes(options.attributes ?? {}),
                status: options.status ?? { code: 1 },
                ...(options.events === undefined ? {} : { events: options.events }),
                ...(options.flags === undefined ? {} : { flags: options.flags }),
              },
            ],
          },
        ],
      },
    ],
  }
  return { body, span }
}

/** One cumulative counter of the given scope. */
export function counterRequest(
  scope: string,
  name: string,
  value: number,
  labels: Record<string, string> = {},
): unknown {
  const now = Date.now()
  return {
    resourceMetrics: [
      {
        resource: {
          attributes: attributes({
            'service.name': 'by-hand',
            'service.instance.id': randomBytes(8).toString('hex'),
          }),
        },
        scopeMetrics: [
          {
            scope: { name: scope },
            metrics: [
              {
                name,
                sum: {
                  aggregationTemporality: 2,
                  isMonotonic: true,
                  dataPoints: [
                    {
                      startTimeUnixNano: nanos(now - 10_000),
                      timeUnixNano: nanos(now),
                      asDouble: value,
                      attributes: attributes(labels),
                    },
                  ],
                },
              },
            ],
          },
        ],
      },
    ],
  }
}

/** `token`: the recorder wants one, the Collector's receiver does not. */
export async function postJson(url: string, body: unknown, token?: string): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  })
}
