// What people write by hand around a queue that has no instrumentation: spans of who sends and who processes, in one trace, and four metrics.
import { context, metrics, propagation, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api'

/** `send` answers what travels as the job's data; `process` runs what it is given with that. */
export function jobsByHand(system, queue) {
  const tracer = trace.getTracer('app')
  const meter = metrics.getMeter('app')
  const sent = meter.createCounter('app.jobs.sent')
  const processed = meter.createCounter('app.jobs.processed')
  const duration = meter.createHistogram('app.jobs.duration', { unit: 's' })
  const wait = meter.createHistogram('app.jobs.wait', { unit: 's' })
  const labels = { 'job.queue': queue, 'job.type': 'video' }
  const attributes = (type) => ({
    'messaging.system': system,
    'messaging.destination.name': queue,
    'messaging.operation.type': type,
    'job.type': 'video',
  })
  return {
    send(data) {
      const span = tracer.startSpan(`send ${queue}`, {
        kind: SpanKind.PRODUCER,
        attributes: attributes('send'),
      })
      const carrier = {}
      propagation.inject(trace.setSpan(context.active(), span), carrier)
      sent.add(1, labels)
      span.end()
      return { ...data, carrier, sentAt: Date.now() }
    },

    process({ carrier, sentAt }, id, fn) {
      const options = {
        kind: SpanKind.CONSUMER,
        attributes: { ...attributes('process'), 'messaging.message.id': id },
      }
      const parent = propagation.extract(ROOT_CONTEXT, carrier)
      return tracer.startActiveSpan(`process ${queue}`, options, parent, async (span) => {
        const begun = performance.now()
        wait.record((Date.now() - sentAt) / 1_000, labels)
        let status = 'completed'
        try {
          return await fn()
        } catch (error) {
          status = 'failed'
          span.recordException(error)
          span.setStatus({ code: 2 })
          throw error
        } finally {
          duration.record((performance.now() - begun) / 1_000, { ...labels, status })
          processed.add(1, { ...labels, status })
          span.end()
        }
      })
    },
  }
}
