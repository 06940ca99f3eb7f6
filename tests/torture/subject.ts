import { randomUUID } from 'node:crypto'
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { track } from '@throughline/core'
import { abandonOpen, installRuntime } from '@throughline/core/runtime'
import { encodeResource, type Span } from '@throughline/otlp'
import { toOperationRow } from '../../packages/postgres/src/span-row.js'
import { createSequence } from '../../packages/sdk/src/lifecycle-records.js'
import { createBusinessMetrics } from '../../packages/sdk/src/metrics/business.js'
import { createOperationMetrics } from '../../packages/sdk/src/metrics/operations.js'
import { createNotices } from '../../packages/sdk/src/notices.js'
import { createOperationsRuntime } from '../../packages/sdk/src/operations-runtime.js'
import { createShipper } from '../../packages/sdk/src/shipper.js'
import { openSpool } from '../../packages/sdk/src/spool/spool.js'
import { OPERATIONS_SCOPE } from '../../packages/sdk/src/version.js'
import { startReceiver } from '../../packages/sdk/testing/receiver.js'
import type { Recorded, Subject } from './case.js'

export interface OwnSubject extends Subject {
  /** The spans that arrived. */
  spans(name: string): Promise<Span[]>
  /** Observations of the duration histogram, by outcome and error type as `records` of a case has them; and their sum in ms. */
  measured(name: string): { records: string[]; sumMs: number }
  /** Operations begun and not ended. */
  active(name: string): number
  counts(): ReadonlyMap<string, number>
  abandonOpen(): number
  close(): Promise<void>
}

const resource = { 'service.name': 'torture' }

/** The SDK's own pieces from a tracked call to the row: runtime, metrics, spool in memory, shipper, a receiver, the recorder's mapping. */
export async function throughline(): Promise<OwnSubject> {
  const manager = new AsyncLocalStorageContextManager().enable()
  context.setGlobalContextManager(manager)
  const receiver = await startReceiver()
  const notices = createNotices(() => {})
  const instance = randomUUID()
  const spool = await openSpool({
    dir: '',
    instance,
    resource: encodeResource(resource),
    maxBytes: 2 ** 30,
    durability: 'memory',
    notices,
  })
  const shipper = createShipper({
    spool,
    url: `${receiver.url}/v1/traces`,
    headers: {},
    scope: OPERATIONS_SCOPE,
    instance,
    notices,
  })
  const operations = createOperationMetrics('torture', notices)
  const uninstall = installRuntime(
    createOperationsRuntime({
      serviceName: 'torture',
      serviceVersion: undefined,
      sequence: createSequence(),
      instance,
      operations,
      business: createBusinessMetrics(notices),
      spool,
      shipper,
      notices,
      spansAreShared: false,
      contexts: manager,
      sample: () => true,
      logger: undefined,
      flush: (timeoutMs) => shipper.flush(timeoutMs),
    }),
  )

  function points(metric: string, name: string) {
    const at = { startTimeUnixNano: 0n, timeUnixNano: 0n }
    const data = operations.collect(at).find((one) => one.name === metric)?.data
    const found = data !== undefined && 'points' in data ? data.points : []
    return found.filter((one) => one.attributes['operation.name'] === name)
  }

  async function spans(name: string): Promise<Span[]> {
    await shipper.flush(5_000)
    return receiver.records().filter((span) => span.attributes['operation.name'] === name)
  }

  return {
    name: 'Throughline',
    wrap: (name, fn, options) => track(name, fn, options),
    spans,
    async recorded(name) {
      return (await spans(name)).map(recordedOf)
    },
    measured(name) {
      const found = points('throughline.operation.duration', name) as unknown as {
        attributes: Record<string, string>
        count: bigint | number
        sum?: number
      }[]
      return {
        records: found.flatMap(({ attributes, count }) =>
          Array.from({ length: Number(count) }, () =>
            [attributes.outcome, attributes['error.type']].filter(Boolean).join(' '),
          ),
        ),
        sumMs: found.reduce((all, { sum }) => all + (sum ?? 0) * 1_000, 0),
      }
    },
    active: (name) =>
      (points('throughline.operation.active', name) as unknown as { value: number }[]).reduce(
        (sum, { value }) => sum + value,
        0,
      ),
    extractionFailures: () => notices.counts().get('extraction_failed') ?? 0,
    counts: () => notices.counts(),
    abandonOpen,
    async close() {
      uninstall()
      shipper.close()
      await spool.close()
      await receiver.close()
      context.disable()
      trace.disable()
      manager.disable()
    },
  }
}

/** What the row says; `abandoned` is said by the span alone, the row has `success` false. */
function recordedOf(span: Span): Recorded {
  const { row, letter } = toOperationRow(span, resource)
  if (row === undefined) throw new Error(`the record has no row: ${letter.reason}`)
  const abandoned = span.attributes.outcome === 'abandoned'
  if (row.success !== (span.attributes.outcome === 'success')) throw new Error('span and row differ')
  return {
    durationMs: Number(row.durationUs) / 1_000,
    outcome: abandoned ? 'abandoned' : row.success ? 'success' : 'failure',
    errorType: row.errorType ?? undefined,
    errorMessage: row.errorMessage ?? undefined,
    errorStack: row.errorStack ?? undefined,
    userId: row.userId ?? undefined,
    metadata: row.metadata === null ? undefined : (JSON.parse(row.metadata) as Record<string, unknown>),
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
  }
}
