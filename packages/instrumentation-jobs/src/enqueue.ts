import { context, SpanKind, trace } from '@opentelemetry/api'
import { correlation } from '@throughline/core'
import { writeCarrier } from './carrier.js'
import { clean } from './clean.js'
import { guard } from './guard.js'
import { instruments } from './metrics.js'
import { messaging, type Queue, tracer } from './queue.js'
import { toMillis } from './time.js'
import type { EnqueuedJob, JobCarrier } from './types.js'

/** Tells that a job was enqueued; the PRODUCER span is over at once, since the queue's own call is not seen from here. */
export function enqueue(queue: Queue, job: EnqueuedJob): JobCarrier {
  const at = guard('time of a job', () => toMillis(job.enqueuedAt)) ?? Date.now()
  const carrier = guard('enqueued', () =>
    // What a job causes shares an ID with what enqueued it, and be it a new one.
    correlation.run({}, () => send(queue, job, at)),
  )
  return carrier ?? { enqueued_at: new Date(at).toISOString() }
}

function send(queue: Queue, job: EnqueuedJob, at: number): JobCarrier {
  const { queue: name } = queue.settings
  const type = queue.typeOf(job.type)
  instruments().enqueued.add(1, { 'job.queue': name, 'job.type': type })
  const attributes = { ...messaging(queue, 'send', clean(job.id)), 'job.type': type }
  const span = tracer().startSpan(`send ${name}`, { kind: SpanKind.PRODUCER, attributes })
  try {
    return context.with(trace.setSpan(context.active(), span), () => writeCarrier(at))
  } finally {
    span.end()
  }
}
