import 'reflect-metadata'
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { Span } from 'nestjs-otel'
import { attributes, work } from './shared.mjs'

const nothing = { export: (_spans, done) => done({ code: 0 }), shutdown: async () => {} }

/** A span with six attributes, exported to nowhere: its decorator on a method, as a service of Nest has it. */
export async function setup() {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const processor = new BatchSpanProcessor(nothing, { maxQueueSize: 100_000, scheduledDelayMillis: 1_000 })
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [processor] }))
  class Billing {
    async charge(i) {
      trace.getActiveSpan()?.setAttributes(attributes(i))
      return work(i)
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(Billing.prototype, 'charge')
  Object.defineProperty(
    Billing.prototype,
    'charge',
    Span('Billing.charge')(Billing.prototype, 'charge', descriptor) ?? descriptor,
  )
  const billing = new Billing()
  return { call: (i) => billing.charge(i), flush: () => processor.forceFlush() }
}
