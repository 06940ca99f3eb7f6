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

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const RANDOM_BYTES = 10
let random: Uint8Array | undefined
let used = 0

/**
 * UUID of version 7 (RFC 9562): milliseconds since 1970, then 74 random bits. IDs of one time lie together in the index that rows are found
 * by (docs/decisions/0024-correlation-ids-in-order.md). It takes a tenth longer than `crypto.randomUUID`; made of that one, half as long again.
 */
export function newCorrelationId(): string {
  if (random === undefined || used === random.length) {
    random = crypto.getRandomValues(random ?? new Uint8Array(128 * RANDOM_BYTES))
    used = 0
  }
  const now = Date.now()
  const time = (shift: number): string => HEX[Math.floor(now / 2 ** shift) & 255]!
  const next = (): string => HEX[random![used++]!]!
  const variant = HEX[(random[used++]! & 0x3f) | 0x80]!
  const [a, b, c] = [
    next().slice(1) + next(),
    variant + next(),
    next() + next() + next() + next() + next() + next(),
  ]
  return `${time(40)}${time(32)}${time(24)}${time(16)}-${time(8)}${time(0)}-7${a}-${b}-${c}`
}

export function correlationOf(context: Context): Correlation | undefined {
  return context.getValue(CORRELATION_KEY) as Correlation | undefined
}
