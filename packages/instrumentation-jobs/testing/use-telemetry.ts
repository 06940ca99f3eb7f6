import { afterEach, beforeEach } from 'vitest'
import { until } from '../../sdk/testing/until.js'
import { startTelemetry, type Telemetry } from './telemetry.js'

export interface TelemetryRig extends Omit<Telemetry, 'close'> {
  /** Waits for so many rows of jobs. */
  ended(count: number): Promise<unknown>
  /** How each job ended. */
  summary(): { attempt: unknown; status: unknown; error: string | undefined }[]
  /** Is closed after the test, the last one first, before what was measured is thrown away. */
  kept<T extends { close(): unknown }>(one: T): T
}

/** For the top of a test file or `describe`: telemetry of its own for each test. */
export function useTelemetry(): TelemetryRig {
  const closing: { close(): unknown }[] = []
  let seen: Telemetry
  beforeEach(() => {
    seen = startTelemetry()
  })
  afterEach(async () => {
    for (const one of closing.splice(0).reverse()) await one.close()
    await seen.close()
  })
  return {
    rows: () => seen.rows(),
    spans: (name) => seen.spans(name),
    count: (metric, labels) => seen.count(metric, labels),
    ended: (count) => until(`${count} rows`, () => seen.rows().length >= count),
    summary: () =>
      seen.rows().map(({ metadata, error }) => ({
        attempt: metadata['job.attempt'],
        status: metadata['job.status'],
        error: error?.type,
      })),
    kept(one) {
      closing.push(one)
      return one
    },
  }
}
