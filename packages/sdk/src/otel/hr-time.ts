import type { HrTime } from '@opentelemetry/api'

const NANOS = 1_000_000_000n

/** Nanoseconds as OpenTelemetry's pair of whole seconds and the rest. */
export function hrTime(nanos: bigint): HrTime {
  return [Number(nanos / NANOS), Number(nanos % NANOS)]
}
