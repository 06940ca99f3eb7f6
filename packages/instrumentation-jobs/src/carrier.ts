import { correlation } from '@throughline/core'
import { toMillis } from './time.js'
import type { JobCarrier } from './types.js'

const HEADERS = ['traceparent', 'tracestate', 'x-correlation-id'] as const

/** Longer than any of them may be by its own rules. */
const MAX_CHARACTERS = 1_024

/** The context of this moment, to be stored with a job. Baggage stays here: a queue's table is no place for it. */
export function writeCarrier(enqueuedAt: number): JobCarrier {
  const written: Record<string, unknown> = correlation.inject({})
  return { ...pick(written), enqueued_at: new Date(enqueuedAt).toISOString() }
}

/** What a queue gave back: anything at all, of which only text under the known names is taken. */
export function readCarrier(carrier: unknown): {
  headers: Record<string, string>
  enqueuedAt: number | undefined
} {
  if (typeof carrier !== 'object' || carrier === null) return { headers: {}, enqueuedAt: undefined }
  const values = carrier as Record<string, unknown>
  return { headers: pick(values), enqueuedAt: toMillis(values.enqueued_at) }
}

function pick(values: Record<string, unknown>): Record<string, string> {
  const result: Record<string, string> = {}
  for (const name of HEADERS) {
    const value = Object.hasOwn(values, name) ? values[name] : undefined
    if (typeof value === 'string' && value.length <= MAX_CHARACTERS) result[name] = value
  }
  return result
}
