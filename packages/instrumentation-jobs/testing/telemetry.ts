import type { RecordedOperation } from '../../sdk/src/testing.js'
import { type Observed, observe } from './observe.js'

/** What the jobs of one test left behind, as the tests of the adapters ask for it. */
export interface Telemetry {
  /** Rows of jobs, oldest first; those of status checks are left out. */
  rows(): RecordedOperation[]
  spans: Observed['spans']
  /** Sum over the series of a counter or gauge that have these labels. */
  count(metric: string, labels?: Record<string, string>): Promise<number>
  close(): Promise<void>
}

export const startTelemetry = (): Telemetry => {
  const { sdk, spans, of, close } = observe()
  return {
    rows: () => sdk.operations.filter(({ operation }) => operation !== 'status_check'),
    spans,
    count: async (metric, labels) => (await of(metric, labels)).reduce((sum, { value }) => sum + value, 0),
    close,
  }
}
