import { type Context, context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api'
import { correlation } from '@throughline/core'
import type { JobCarrier, Jobs } from '../types.js'

/** BullMQ's interface `Telemetry`, as far as it is used: it makes the carriers. Spans and metrics come from `jobs`. */
export interface BullmqTelemetry {
  tracer: { startSpan(name: string, options?: { kind: number }, parent?: Context): BullmqSpan }
  contextManager: {
    with<F extends (...args: never[]) => unknown>(within: Context, fn: F): ReturnType<F>
    active(): Context
    root(): Context
    getMetadata(of: Context): string
    fromMetadata(active: Context, metadata: string): Context
  }
}

interface BullmqSpan {
  setSpanOnContext(on: Context): Context
  setAttribute(): void
  setAttributes(): void
  addEvent(): void
  recordException(): void
  end(): void
}

/** Makes the carrier of what is being added. */
const carrierKey = createContextKey('throughline.bullmq.carrier')
const producer = 3

const spanOf = (carrier?: () => JobCarrier): BullmqSpan => ({
  setSpanOnContext: (on) => (carrier === undefined ? on : on.setValue(carrierKey, carrier)),
  setAttribute() {},
  setAttributes() {},
  addEvent() {},
  recordException() {},
  end() {},
})
const silent = spanOf()
/** Of a bulk or a flow BullMQ tells neither names nor number: who adds it is all that its jobs share. */
const shared = spanOf(() => {
  const { traceparent, tracestate, 'x-correlation-id': id } = correlation.inject<Record<string, unknown>>({})
  return textsOf({ traceparent, tracestate, 'x-correlation-id': id })
})

/**
 * Option `telemetry` of a `Queue` or a `FlowProducer`: what is added carries trace and correlation ID in BullMQ's own place for them
 * (`opts.telemetry.metadata`), the data stay untouched. Jobs of a bulk or a flow share the carrier of who adds them; `withCarrier` gives each
 * its own, with a PRODUCER span and a count. Of a flow BullMQ itself leaves out nodes without `opts`. A `Worker` needs no `telemetry`.
 */
export const telemetry = (jobs: Jobs): BullmqTelemetry => ({
  tracer: {
    startSpan(name, options) {
      if (options?.kind !== producer) return silent
      const type = typeOf(name, jobs.queue)
      return type === undefined ? shared : spanOf(() => jobs.enqueued({ type }))
    },
  },
  contextManager: {
    with: <F extends (...args: never[]) => unknown>(within: Context, fn: F) =>
      context.with(within, fn as unknown as () => ReturnType<F>),
    active: () => context.active(),
    root: () => ROOT_CONTEXT,
    fromMetadata: (active) => active,
    getMetadata(of) {
      const carrier = of.getValue(carrierKey) as (() => JobCarrier) | undefined
      return carrier === undefined ? '' : metadataOf(carrier())
    },
  },
})

const textsOf = (values: Record<string, unknown>): JobCarrier =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => typeof value === 'string'))

/** BullMQ knows itself when a job was added, and stores nothing where there is nothing to store. */
const metadataOf = ({ enqueued_at: _, ...context }: JobCarrier): string =>
  Object.keys(context).length === 0 ? '' : JSON.stringify(context)

/** BullMQ names the span of one job `add <queue>.<job name>`. */
const typeOf = (spanName: string, queue: string): string | undefined => {
  const prefix = `add ${queue}.`
  return spanName.startsWith(prefix) ? spanName.slice(prefix.length) : undefined
}
