import { randomBytes } from 'node:crypto'
import { encodeResource, encodeSpan, encodeTraces, type Span } from '@throughline/otlp'

export const json = { 'content-type': 'application/json' }
export const protobuf = { 'content-type': 'application/x-protobuf' }

export const nowNs = (): bigint => BigInt(Date.now()) * 1_000_000n

export const aSpan = (changes: Partial<Span> = {}): Span => {
  const start = changes.startTimeUnixNano ?? nowNs()
  return {
    traceId: randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    name: 'Billing.charge',
    startTimeUnixNano: start,
    endTimeUnixNano: start + 250_000_000n,
    attributes: { 'correlation.id': 'order-4711' },
    ...changes,
  }
}

/** The protobuf body of one request of service `billing`. */
export const requestOf = (spans: readonly Span[], scope = 'throughline.operations'): Buffer =>
  Buffer.from(
    encodeTraces({
      resource: encodeResource({ 'service.name': 'billing' }),
      scope: { name: scope },
      spans: spans.map(encodeSpan),
    }),
  )

/** The JSON body of the same request, of a span in OTLP's JSON form. */
export const jsonOf = (span: Record<string, unknown>, scope = 'throughline.operations'): string =>
  JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'billing' } }] },
        scopeSpans: [{ scope: { name: scope }, spans: [span] }],
      },
    ],
  })

export const post = (
  url: string,
  body: string | Buffer,
  headers: Record<string, string> = protobuf,
): Promise<Response> => fetch(`${url}/v1/traces`, { method: 'POST', body, headers })
