import { single } from '../correlation/propagator.js'

type Headers = Record<string, string | undefined>

/**
 * The headers of an HTTP event (API Gateway 1 and 2, function URL, load balancer) under lower-case names; empty for any other event.
 * Several values of one header come joined, which no validation lets pass as one.
 */
export function plainHeaders(event: unknown): Headers {
  const headers: Headers = {}
  const { headers: one, multiValueHeaders: many } = asRecord(event)
  for (const [name, value] of [...Object.entries(asRecord(one)), ...Object.entries(asRecord(many))]) {
    const text = Array.isArray(value) ? single(value.map(String)) : value
    if (typeof text === 'string') headers[name.toLowerCase()] = text
  }
  return headers
}

/** The address of the client's connection as API Gateway (1 and 2) and function URLs saw it; a load balancer does not say. */
export function sourceAddress(event: unknown): string | undefined {
  const { http, identity } = asRecord(asRecord(event).requestContext)
  const address = asRecord(http).sourceIp ?? asRecord(identity).sourceIp
  return typeof address === 'string' ? address : undefined
}

/** The answer with one header more, if it is an HTTP answer; a copy, as the handler may give out the same object each time. */
export function withHeader<Answer>(answer: Answer, name: string, value: string): Answer {
  const given = asRecord(answer)
  if (typeof given.statusCode !== 'number') return answer
  // A load balancer in its mode of many values reads these only.
  if (given.headers === undefined && given.multiValueHeaders !== undefined)
    return { ...answer, multiValueHeaders: { ...without(given.multiValueHeaders, name), [name]: [value] } }
  return { ...answer, headers: { ...without(given.headers, name), [name]: value } }
}

/** The metadata of a streamed answer with one header more. */
export function withMetadataHeader(
  metadata: Record<string, unknown>,
  name: string,
  value: string,
): Record<string, unknown> {
  return { ...metadata, headers: { ...without(asRecord(metadata).headers, name), [name]: value } }
}

function without(headers: unknown, name: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(asRecord(headers)).filter(([key]) => key.toLowerCase() !== name))
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
